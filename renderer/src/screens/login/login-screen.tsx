import { Button, List, Text, TextInput, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { keepPageKey } from '../../api/client.ts';
import { desktop } from '../../api/desktop.ts';
import { useApiMutation } from '../../api/queries.ts';
import { Failure } from '../../components/page.tsx';
import { strings } from '../../strings.ts';
import classes from './login-screen.module.css';
import { PinLogin } from './pin-login.tsx';

const t = strings.login;
const CODE_MIN = 6;

/** The code goes in the body of a POST only: an address would end up in histories and process lists. */
export function LoginScreen() {
  const [code, setCode] = useState('');
  const client = useQueryClient();
  const login = useApiMutation('login');
  useEffect(() => {
    document.title = `${t.title} · ${strings.product}`;
  }, []);

  const enter = (given: string) =>
    login.mutate(
      { code: given },
      {
        onSuccess: ({ key }) => {
          keepPageKey(key);
          void client.resetQueries();
        },
      },
    );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const typed = code.trim();
    if (typed.length >= CODE_MIN && !login.isPending) enter(typed);
  };

  return (
    <main className={classes.outer}>
      <div className={classes.card}>
        <div className={classes.brand}>
          <img src="/favicon.svg" alt="" width={34} height={34} />
          <span>{strings.product}</span>
        </div>
        <Title order={1} className={classes.title}>
          {t.title}
        </Title>
        <Text className={classes.lead}>{t.lead}</Text>
        <form onSubmit={submit} className={classes.form}>
          <TextInput
            label={t.code}
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
            autoComplete="one-time-code"
            autoCapitalize="off"
            spellCheck={false}
            maxLength={64}
            size="md"
            data-autofocus
            autoFocus
            classNames={{ input: classes.code }}
          />
          <Button type="submit" size="md" fullWidth loading={login.isPending} disabled={code.trim().length < CODE_MIN}>
            {t.submit}
          </Button>
        </form>
        {login.error !== null && <Failure error={login.error} />}
        {desktop !== null && <PinLogin enter={enter} />}
        <section className={classes.where}>
          <Title order={2} className={classes.whereTitle}>
            {t.whereTitle}
          </Title>
          <List size="sm" spacing={6} className={classes.list}>
            {t.where.map((line) => (
              <List.Item key={line}>{line}</List.Item>
            ))}
          </List>
          <Text size="sm" c="dimmed" mt="sm">
            {t.why}
          </Text>
        </section>
      </div>
    </main>
  );
}

import { Button, Code, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import type { PolicyView } from '../../../../gateway/contract/routes/policy.ts';
import { useApiMutation } from '../../api/queries.ts';
import { Card, Failure } from '../../components/page.tsx';
import { PIN_MIN, PinField } from '../../components/pin-field.tsx';
import { Notice } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { timeOfDay } from '../../text/format.ts';
import { Difference } from './difference.tsx';
import { errorPosition } from './error-position.ts';
import classes from './policy-screen.module.css';

const t = strings.policy;

interface Props {
  inForce: string;
  staged: NonNullable<PolicyView['staged']>;
  goTo(line: number, column: number): void;
}

/** What is proposed, what it would change, and the decision on it. */
export function StagedCard({ inForce, staged, goTo }: Props) {
  const [pin, setPin] = useState('');
  const accept = useApiMutation('acceptPolicy', ['policy', 'status', 'policyHistory'], () =>
    notifications.show({ message: t.accepted, color: 'green' }),
  );
  const discard = useApiMutation('discardPolicy', ['policy', 'status'], () =>
    notifications.show({ message: t.discarded }),
  );
  const error = accept.error ?? discard.error;
  return (
    <Card label={t.staged} className={classes.staged}>
      <div className={classes.head}>
        <h2 className={classes.title}>{t.staged}</h2>
        <Text c="dimmed" size="sm">
          {t.stagedAt(timeOfDay(staged.stagedAt, Date.now()))} · {t.hash} <Code>{staged.hash.slice(0, 16)}</Code>
        </Text>
      </div>
      {staged.errors.length > 0 && (
        <Notice tone="bad" role="alert">
          {t.errors(staged.errors.length)}
          <ul className={classes.errors}>
            {staged.errors.map((sentence) => {
              const position = errorPosition(sentence);
              return (
                <li key={sentence}>
                  <Visible>{sentence}</Visible>{' '}
                  {position !== null && (
                    <Button variant="default" size="compact-xs" onClick={() => goTo(position.line, position.column)}>
                      {t.goTo(position.line)}
                    </Button>
                  )}
                </li>
              );
            })}
          </ul>
        </Notice>
      )}
      <h3 className={classes.subtitle}>{t.difference}</h3>
      <Difference before={inForce} after={staged.text} labels={{ before: t.inForce, after: t.staged }} />
      {error !== null && <Failure error={error} />}
      <div className={classes.accept}>
        {staged.errors.length === 0 && <PinField value={pin} onChange={setPin} className={classes.pin} />}
        <Group gap="xs">
          <Button variant="default" loading={discard.isPending} onClick={() => discard.mutate({})}>
            {t.discard}
          </Button>
          <Button
            loading={accept.isPending}
            disabled={staged.errors.length > 0 || pin.length < PIN_MIN}
            onClick={() => accept.mutate({ hash: staged.hash, pin }, { onSettled: () => setPin('') })}
          >
            {t.accept}
          </Button>
        </Group>
      </div>
    </Card>
  );
}

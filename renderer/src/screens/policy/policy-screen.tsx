import { Button, Code, Group, Loader, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { lazy, Suspense, useRef, useState } from 'react';
import type { PolicyView } from '../../../../gateway/contract/api.ts';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { Card, Failure, Page } from '../../components/page.tsx';
import { PIN_MIN, PinField } from '../../components/pin-field.tsx';
import { Notice } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { timeOfDay } from '../../text/format.ts';
import { Diff } from './diff.tsx';
import { errorPosition } from './error-position.ts';
import type { EditorHandle } from './policy-editor.tsx';
import classes from './policy-screen.module.css';

const PolicyEditor = lazy(() => import('./policy-editor.tsx'));
const t = strings.policy;

function Staged({
  staged,
  goTo,
}: {
  staged: NonNullable<PolicyView['staged']>;
  goTo(line: number, column: number): void;
}) {
  const [pin, setPin] = useState('');
  const accept = useApiMutation('acceptPolicy', ['policy', 'status'], () =>
    notifications.show({ message: t.accepted, color: 'green' }),
  );
  const discard = useApiMutation('discardPolicy', ['policy', 'status'], () =>
    notifications.show({ message: t.discarded }),
  );
  return (
    <Card label={t.staged}>
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
            {staged.errors.map((error) => {
              const position = errorPosition(error);
              return (
                <li key={error}>
                  <Visible>{error}</Visible>{' '}
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
      <Diff text={staged.diff} />
      {(accept.error ?? discard.error) !== null && <Failure error={accept.error ?? discard.error} />}
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

function Editor({ view }: { view: PolicyView }) {
  const start = view.staged?.text ?? view.text;
  const [text, setText] = useState(start);
  const editor = useRef<EditorHandle>(null);
  const stage = useApiMutation('stagePolicy', ['policy', 'status']);
  const changed = text !== view.text;
  return (
    <>
      {view.staged !== null && (
        <Staged staged={view.staged} goTo={(line, column) => editor.current?.goTo(line, column)} />
      )}
      <Card label={t.text}>
        <div className={classes.head}>
          <h2 className={classes.title}>{t.text}</h2>
          <Text c="dimmed" size="sm">
            {t.inForce}: <Code>{view.hash.slice(0, 16)}</Code>
          </Text>
        </div>
        <Suspense fallback={<div className={classes.placeholder}>{strings.loading}</div>}>
          <PolicyEditor ref={editor} initial={start} label={t.text} onChange={setText} />
        </Suspense>
        {stage.error !== null && <Failure error={stage.error} />}
        <div className={classes.stage}>
          <Text c="dimmed" size="sm">
            {changed ? (view.staged === null ? t.stageHint : '') : t.unchanged}
          </Text>
          <Group gap="xs">
            <Button variant="default" disabled={!changed} onClick={() => editor.current?.replace(view.text)}>
              {t.reset}
            </Button>
            <Button
              disabled={!changed || text === view.staged?.text}
              loading={stage.isPending}
              onClick={() => stage.mutate({ text })}
            >
              {t.stage}
            </Button>
          </Group>
        </div>
      </Card>
    </>
  );
}

export function PolicyScreen() {
  const policy = useApi('policy', {});
  const status = useApi('status', {});
  const error = status.data?.policy.error ?? null;
  return (
    <Page title={t.title} lead={t.lead}>
      {error !== null && (
        <Notice tone="bad" role="alert">
          {t.loadError} <Visible>{error}</Visible>
        </Notice>
      )}
      {policy.error !== null && <Failure error={policy.error} retry={() => void policy.refetch()} />}
      {policy.isPending && <Loader size="sm" />}
      {policy.data !== undefined && <Editor view={policy.data} />}
    </Page>
  );
}

import { Button, Code, Group, Loader, Text } from '@mantine/core';
import { lazy, Suspense, useCallback, useRef, useState } from 'react';
import type { PolicyProblem } from '../../../../gateway/contract/policy.ts';
import type { PolicyView } from '../../../../gateway/contract/routes/policy.ts';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { Card, Failure, Page } from '../../components/page.tsx';
import { Notice } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { HistoryCard } from './history-card.tsx';
import { Outline } from './outline.tsx';
import type { EditorHandle } from './policy-editor.tsx';
import classes from './policy-screen.module.css';
import { StagedCard } from './staged-card.tsx';
import { TryPanel } from './try-panel.tsx';
import { usePolicyCheck } from './use-check.ts';

const PolicyEditor = lazy(() => import('./policy-editor.tsx'));
const t = strings.policy;
const NONE: readonly PolicyProblem[] = [];

/** What was typed and not staged stays while other pages are looked at; it is gone with the window. */
let draft: { of: string; text: string } | null = null;

function Editor({ view }: { view: PolicyView }) {
  const start = useRef(draft?.of === view.hash ? draft.text : (view.staged?.text ?? view.text)).current;
  const [text, setText] = useState(start);
  const editor = useRef<EditorHandle>(null);
  const frame = useRef<HTMLDivElement>(null);
  const stage = useApiMutation('stagePolicy', ['policy', 'status']);
  const checked = usePolicyCheck(text);
  const changed = text !== view.text;
  const goTo = useCallback((line: number, column: number) => editor.current?.goTo(line, column), []);
  const edit = useCallback(
    (next: string) => {
      setText(next);
      draft = { of: view.hash, text: next };
    },
    [view.hash],
  );
  return (
    <>
      {view.staged !== null && <StagedCard inForce={view.text} staged={view.staged} goTo={goTo} />}
      <div className={classes.columns} ref={frame}>
        <Card label={t.text} className={classes.main}>
          <div className={classes.head}>
            <h2 className={classes.title}>{t.text}</h2>
            <Text c="dimmed" size="sm">
              {t.inForce}: <Code>{view.hash.slice(0, 16)}</Code>
            </Text>
          </div>
          <Suspense fallback={<div className={classes.placeholder}>{strings.loading}</div>}>
            <PolicyEditor
              ref={editor}
              initial={start}
              label={t.text}
              problems={checked.check?.errors ?? NONE}
              onChange={edit}
            />
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
        <Card className={classes.side}>
          <Outline checked={checked} goTo={goTo} />
          <hr className={classes.rule} />
          <TryPanel text={text} inForce={view.text} />
        </Card>
      </div>
      <HistoryCard
        inForce={view.text}
        take={(old) => {
          frame.current?.scrollIntoView({ block: 'start' });
          editor.current?.replace(old);
        }}
      />
    </>
  );
}

export function PolicyScreen() {
  const policy = useApi('policy', {});
  const status = useApi('status', {});
  const error = status.data?.policy.error ?? null;
  return (
    <Page title={t.title} lead={t.lead} wide>
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

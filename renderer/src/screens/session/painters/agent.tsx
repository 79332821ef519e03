import { Loader } from '@mantine/core';
import { memo, useMemo } from 'react';
import type { Statement } from '../../../../../gateway/contract/session.ts';
import { useApi } from '../../../api/queries.ts';
import { Command } from '../../../components/command.tsx';
import { Diff } from '../../../components/diff.tsx';
import { Failure } from '../../../components/page.tsx';
import { Notice } from '../../../components/tone.tsx';
import { Visible } from '../../../components/visible.tsx';
import { strings } from '../../../strings.ts';
import { bytes, span } from '../../../text/format.ts';
import { diffCounts, diffLines, diffPath, isUnifiedDiff } from '../../../text/unified-diff.ts';
import classes from './agent.module.css';
import { outcomeOf } from './exchange-lines.ts';
import type { Painter } from './painter.ts';

const t = strings.session.painted;
const LINE_LOOKS_AT = 20_000;

/** What an operation of an agent is, by the name that its recording gives it. */
export type AgentKind = 'prompt' | 'answer' | 'thought' | 'change' | 'command' | 'action';
export function kindOf({ op, text }: Pick<Statement, 'op' | 'text'>): AgentKind {
  if (op === 'Prompt' || op === 'Subagent') return 'prompt';
  if (op === 'Answer') return 'answer';
  if (op === 'Thought') return 'thought';
  if (isUnifiedDiff(text)) return 'change';
  return /shell|bash|command|terminal|exec/i.test(op) ? 'command' : 'action';
}

function changeLine(text: string): string {
  const lines = diffLines(text.slice(0, LINE_LOOKS_AT));
  const { added, removed } = diffCounts(lines);
  return `${diffPath(lines) ?? ''} ${strings.approvals.changeCounts(added, removed)}`;
}

export function AgentLine({ statement }: { statement: Statement }) {
  const kind = kindOf(statement);
  const text = kind === 'change' ? changeLine(statement.text) : statement.text;
  return <Command text={text} line plain={kind !== 'command'} />;
}

/** What was said, as it was said: lines stay, nothing of it is taken for markup. */
export function Prose({ text }: { text: string }) {
  return (
    <div className={classes.prose}>
      <Visible lines="block">{text}</Visible>
    </div>
  );
}

function Asked({ statement }: { statement: Statement }) {
  const kind = kindOf(statement);
  if (kind === 'change') return <Diff text={statement.text} label={strings.approvals.change} />;
  if (kind === 'command') return <Command text={statement.text} label={strings.approvals.command} />;
  if (kind === 'action') return <Command text={statement.text} label={strings.approvals.action} plain />;
  return <Prose text={statement.text} />;
}

const sayWithheld = (fields: string, size: number, rule: string) => t.withheld(fields, bytes(size), rule);

const Outcome = memo(function Outcome({ statement }: { statement: Statement }) {
  const { sessionId: id, index } = statement;
  const query = useApi('exchange', { id, index }, { staleTime: 10_000 });
  const found = useMemo(
    () => (query.data === undefined ? null : outcomeOf(query.data.up, query.data.down, sayWithheld)),
    [query.data],
  );
  if (query.error !== null) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (found === null) return <Loader size="xs" />;
  return (
    <>
      {query.data?.damaged === true && <Notice tone="warn">{t.damaged}</Notice>}
      {found.withheld.map((sentence) => (
        <Notice key={sentence} tone="info">
          <Visible>{sentence}</Visible>
        </Notice>
      ))}
      {found.attachments.length > 0 && (
        <p className={classes.muted}>
          {t.attachments} <Visible>{found.attachments.join(', ')}</Visible>
        </p>
      )}
      {found.ok !== null && (
        <p className={classes.muted}>
          {found.ok ? t.ok : t.failed}
          {found.durationMs !== null && ` · ${strings.session.took(span(found.durationMs))}`}
        </p>
      )}
      {found.outputs.map(({ name, text }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: outputs are derived from the recording and never move.
        <section key={at}>
          <h3 className={classes.subtitle}>{t.outputs[name]}</h3>
          <Command text={text} label={t.outputs[name]} plain />
        </section>
      ))}
      {query.data?.truncated === true && <Notice tone="info">{t.truncated}</Notice>}
    </>
  );
});

export const agent: Painter = { Line: AgentLine, Asked, Outcome };

import { Button } from '@mantine/core';
import { IconDatabase } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { memo, useMemo, useState } from 'react';
import type { Session, Statement } from '../../../../gateway/contract/session.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { timeOfDay } from '../../text/format.ts';
import { Findings } from '../sessions/session-state.tsx';
import classes from './conversation-view.module.css';
import { AgentLine, kindOf, Prose } from './painters/agent.tsx';
import { VerdictIcon } from './statement-verdict.tsx';

const t = strings.session;
/** Blocks are of any height, so a long conversation is shown in parts. */
const PART = 200;

type Entry = { at: number; kind: 'said'; statement: Statement } | { at: number; kind: 'session'; session: Session };

/** What was said and done, with the sessions that belong to it where they began. */
export function entriesOf(statements: readonly Statement[], sessions: readonly Session[]): Entry[] {
  const entries: Entry[] = [
    ...statements.map((statement): Entry => ({ at: Date.parse(statement.startedAt), kind: 'said', statement })),
    ...sessions.map((session): Entry => ({ at: Date.parse(session.openedAt), kind: 'session', session })),
  ];
  // Statements stay in their order, whatever their times say.
  return entries
    .map((entry, order) => ({ entry, order }))
    .sort((a, b) => (a.entry.kind === b.entry.kind ? a.order - b.order : a.entry.at - b.entry.at || a.order - b.order))
    .map(({ entry }) => entry);
}

const Block = memo(function Block({
  statement,
  current,
  choose,
}: {
  statement: Statement;
  current: boolean;
  choose(index: number): void;
}) {
  const kind = kindOf(statement);
  const when = timeOfDay(statement.startedAt, Date.now());
  if (kind === 'prompt' || kind === 'answer') {
    return (
      <li className={classes[kind]} data-current={current}>
        <button type="button" className={classes.who} onClick={() => choose(statement.index)}>
          {kind === 'prompt' ? t.painted.said : t.painted.answered} <span className={classes.when}>{when}</span>
        </button>
        <Prose text={statement.text} />
      </li>
    );
  }
  if (kind === 'thought') {
    return (
      <li className={classes.thought} data-current={current}>
        <details>
          <summary>
            {t.painted.thought} <span className={classes.when}>{when}</span>
          </summary>
          <Prose text={statement.text} />
        </details>
      </li>
    );
  }
  return (
    <li className={classes.action} data-current={current}>
      <button type="button" className={classes.step} aria-current={current} onClick={() => choose(statement.index)}>
        <VerdictIcon statement={statement} />
        <span className={classes.op}>
          <Visible>{statement.op}</Visible>
        </span>
        <span className={classes.line}>
          <AgentLine statement={statement} />
        </span>
        <span className={classes.when}>{t.verdicts[statement.verdict]}</span>
      </button>
    </li>
  );
});

interface Props {
  statements: readonly Statement[];
  /** Of the same conversation, in order of opening. */
  sessions: readonly Session[];
  currentIndex: number | null;
  choose(index: number): void;
}

/** A conversation as it went: prompts, answers, what was done in between, and the sessions it opened. */
export function ConversationView({ statements, sessions, currentIndex, choose }: Props) {
  const [shown, setShown] = useState(PART);
  const entries = useMemo(() => entriesOf(statements, sessions), [statements, sessions]);
  return (
    <div className={classes.scroller}>
      <ol className={classes.conversation} aria-label={t.painted.conversation}>
        {entries.slice(0, shown).map((entry) =>
          entry.kind === 'said' ? (
            <Block
              key={entry.statement.index}
              statement={entry.statement}
              current={entry.statement.index === currentIndex}
              choose={choose}
            />
          ) : (
            <li key={entry.session.id} className={classes.session}>
              <IconDatabase size={16} aria-hidden />
              <Link to="/sessions/$id" params={{ id: entry.session.id }}>
                <Visible>{`${entry.session.agent.name} → ${entry.session.connectionId}`}</Visible>
              </Link>
              <span className={classes.when}>{strings.sessions.statements(entry.session.statements)}</span>
              <Findings session={entry.session} none="" />
            </li>
          ),
        )}
      </ol>
      {entries.length > shown && (
        <Button variant="subtle" size="compact-sm" onClick={() => setShown(shown + PART)}>
          {t.painted.more(entries.length - shown)}
        </Button>
      )}
    </div>
  );
}

import { Button, Loader, SegmentedControl } from '@mantine/core';
import { useDebouncedCallback, useDisclosure } from '@mantine/hooks';
import { IconArrowLeft } from '@tabler/icons-react';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { type RefObject, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Session } from '../../../../gateway/contract/session.ts';
import { useApi } from '../../api/queries.ts';
import { Card, Empty, Failure } from '../../components/page.tsx';
import { strings } from '../../strings.ts';
import { visibleString } from '../../text/visible-text.ts';
import { ConversationView } from './conversation-view.tsx';
import { painters } from './painters/painters.tsx';
import { RedactPanel } from './redact-panel.tsx';
import { keyOf, type Pick, type Redacting, RedactingContext } from './redaction-choice.ts';
import { PlayerBar } from './replay/player-bar.tsx';
import { buildTimeline, currentSpan, LONGEST_IDLE_MS } from './replay/timeline.ts';
import { usePlayer, usePlayerKeys } from './replay/use-player.ts';
import { SessionHeader } from './session-header.tsx';
import classes from './session-screen.module.css';
import { StatementDetail } from './statement-detail.tsx';
import { StatementsList } from './statements-list.tsx';
import { useRelated } from './use-related.ts';
import { REPLAYED_STATEMENTS, useStatements } from './use-statements.ts';
import { useVerification } from './verification-badge.tsx';

const t = strings.session;
const ADDRESS_AFTER_MS = 400;

interface ReplayProps {
  session: Session;
  broken: readonly (readonly [number, number])[];
  frame: RefObject<HTMLDivElement | null>;
}

function Replay({ session, broken, frame }: ReplayProps) {
  const { at: startAt } = useSearch({ from: '/sessions/$id' });
  const navigate = useNavigate({ from: '/sessions/$id' });
  const statements = useStatements(session.id);
  const [skipIdle, setSkipIdle] = useState(true);
  const timeline = useMemo(
    () => buildTimeline(statements.replayed, skipIdle ? LONGEST_IDLE_MS : Number.POSITIVE_INFINITY),
    [statements.replayed, skipIdle],
  );
  const open = session.state === 'open';
  const { state, send } = usePlayer(timeline, { index: startAt ?? null, live: open && startAt === undefined });
  const [asConversation, setAsConversation] = useState(session.protocol === 'agent');
  const related = useRelated(session);
  const [detailOpen, setDetailOpen] = useState(startAt !== undefined);
  /** Chosen in the list beyond what the replay covers. */
  const [beyond, setBeyond] = useState<number | null>(null);

  const fullScreen = useCallback(() => {
    if (document.fullscreenElement !== null) void document.exitFullscreen();
    else void frame.current?.requestFullscreen();
  }, [frame]);
  const move = useCallback<typeof send>(
    (event) => {
      setBeyond(null);
      send(event);
    },
    [send],
  );
  usePlayerKeys(timeline, move, fullScreen);

  const span = timeline.spans[currentSpan(timeline, state.position)] ?? null;
  const currentIndex = beyond ?? span?.index ?? null;
  const statement = currentIndex === null ? null : statements.at(currentIndex);
  const answered = beyond !== null || !state.playing || span === null || state.position >= span.end;
  const isDamaged = useCallback(
    (exchange: number) => broken.some(([first, last]) => exchange >= first && exchange <= last),
    [broken],
  );

  // The clock is another one then: the statement stays, its place on the clock does not.
  const afterIdle = useRef<number | null>(null);
  const changeIdle = (skip: boolean) => {
    afterIdle.current = state.live ? null : currentIndex;
    setSkipIdle(skip);
  };
  useEffect(() => {
    const index = afterIdle.current;
    afterIdle.current = null;
    if (index !== null && timeline.spans.length > 0) send({ type: 'indexSought', index });
  }, [timeline, send]);

  const writeAddress = useDebouncedCallback((index: number) => {
    void navigate({ search: { at: index }, replace: true });
  }, ADDRESS_AFTER_MS);
  const { live, playing } = state;
  useEffect(() => {
    if (!playing && !live && currentIndex !== null) writeAddress(currentIndex);
  }, [playing, live, currentIndex, writeAddress]);

  const choose = useCallback(
    (index: number) => {
      setDetailOpen(true);
      if (index < REPLAYED_STATEMENTS) move({ type: 'indexSought', index });
      else setBeyond(index);
    },
    [move],
  );

  if (statements.error !== null && statements.total === 0) return <Failure error={statements.error} />;
  if (statements.total === 0) {
    return (
      <Card>
        {statements.pending ? (
          <Loader size="sm" />
        ) : (
          <Empty title={t.emptyTitle} hint={open ? t.emptyHint : t.emptyClosedHint} />
        )}
      </Card>
    );
  }
  return (
    <div ref={frame} className={classes.replay}>
      <PlayerBar
        timeline={timeline}
        state={state}
        open={open}
        send={move}
        fullScreen={fullScreen}
        skipIdle={skipIdle}
        setSkipIdle={changeIdle}
      />
      {statements.total > REPLAYED_STATEMENTS && (
        <div className={classes.note}>{t.markersLimit(REPLAYED_STATEMENTS)}</div>
      )}
      <div className={classes.panes} data-detail={detailOpen}>
        <section className={classes.list} aria-label={t.statements}>
          {session.protocol === 'agent' && (
            <div className={classes.view}>
              <SegmentedControl
                size="xs"
                fullWidth
                aria-label={t.painted.view}
                value={asConversation ? 'conversation' : 'list'}
                onChange={(value) => setAsConversation(value === 'conversation')}
                data={[
                  { value: 'conversation', label: t.painted.conversation },
                  { value: 'list', label: t.painted.list },
                ]}
              />
            </div>
          )}
          {asConversation ? (
            <ConversationView
              statements={statements.replayed}
              sessions={related}
              currentIndex={currentIndex}
              choose={choose}
            />
          ) : (
            <StatementsList
              Line={painters[session.protocol].Line}
              total={statements.total}
              at={statements.at}
              want={statements.want}
              currentIndex={currentIndex}
              isDamaged={isDamaged}
              choose={choose}
              follow={beyond === null}
            />
          )}
        </section>
        <div className={classes.detail}>
          <Button
            className={classes.toList}
            variant="subtle"
            size="compact-sm"
            leftSection={<IconArrowLeft size={15} />}
            onClick={() => setDetailOpen(false)}
          >
            {t.backToList}
          </Button>
          {statement === null ? (
            <p className={classes.note}>{t.select}</p>
          ) : (
            <StatementDetail
              protocol={session.protocol}
              statement={statement}
              damaged={isDamaged(statement.exchange)}
              answered={answered}
            />
          )}
        </div>
      </div>
    </div>
  );
}

const NONE: readonly (readonly [number, number])[] = [];

/** What is chosen to be taken out; kept while the panel is closed. */
function useRedactingState(on: boolean): Redacting | null {
  const [picks, setPicks] = useState<readonly Pick[]>([]);
  return useMemo(() => {
    if (!on) return null;
    const keys = new Set(picks.map(keyOf));
    const has = (pick: Pick) => keys.has(keyOf(pick));
    return {
      picks,
      has,
      toggle: (pick) =>
        setPicks((before) => {
          const rest = before.filter((one) => keyOf(one) !== keyOf(pick));
          return rest.length < before.length ? rest : [...before, pick];
        }),
    };
  }, [on, picks]);
}

export function SessionScreen() {
  const { id } = useParams({ from: '/sessions/$id' });
  return <OneSession key={id} id={id} />;
}

function OneSession({ id }: { id: string }) {
  const [redactOpen, redact] = useDisclosure(false);
  const redacting = useRedactingState(redactOpen);
  const frame = useRef<HTMLDivElement>(null);
  const query = useApi('session', { id });
  const session = query.data;
  const verification = useVerification(session);
  useEffect(() => {
    const name = session === undefined ? strings.sessions.title : `${session.agent.name} → ${session.connectionId}`;
    document.title = `${visibleString(name)} · ${strings.product}`;
  }, [session]);
  if (session === undefined) {
    return query.error === null ? (
      <Loader size="sm" />
    ) : (
      <Failure error={query.error} retry={() => void query.refetch()} />
    );
  }
  return (
    <RedactingContext value={redacting}>
      <div className={classes.screen} data-redacting={redacting !== null}>
        <SessionHeader
          session={session}
          verification={verification}
          redacting={redactOpen}
          toggleRedacting={redact.toggle}
        />
        {redacting !== null && <RedactPanel sessionId={id} redacting={redacting} frame={frame} />}
        <Replay session={session} broken={verification.data?.brokenExchanges ?? NONE} frame={frame} />
      </div>
    </RedactingContext>
  );
}

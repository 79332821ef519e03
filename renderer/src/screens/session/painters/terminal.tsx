import { Loader } from '@mantine/core';
import { lazy, memo, Suspense } from 'react';
import type { Statement } from '../../../../../gateway/contract/session.ts';
import { Failure } from '../../../components/page.tsx';
import { strings } from '../../../strings.ts';
import { agent } from './agent.tsx';
import type { Painter } from './painter.ts';
import { useFrames } from './terminal/use-frames.ts';

/** xterm is large, and few sessions are terminals. */
const TerminalReplay = lazy(() => import('./terminal/terminal-replay.tsx'));

const Outcome = memo(function Outcome({ statement }: { statement: Statement }) {
  const query = useFrames(statement.sessionId);
  if (query.error !== null) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (query.data === undefined) return <Loader size="xs" />;
  const shown = query.data.frames.some(({ event }) => event.kind === 'output' || event.kind === 'errors');
  if (!shown) return <p>{strings.session.terminal.nothing}</p>;
  return (
    <Suspense fallback={<Loader size="xs" />}>
      <TerminalReplay {...query.data} />
    </Suspense>
  );
});

export const terminal: Painter = { Line: agent.Line, Asked: agent.Asked, Outcome };

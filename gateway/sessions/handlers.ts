import { CountersignError, isCountersignError } from '../contract/errors.ts';
import type { ControlHandlers } from '../control/handlers.ts';
import * as recordings from '../recording/reader.ts';
import { mergeLiveSessions } from '../store/merge-live.ts';
import type { Store } from '../store/store.ts';
import type { SessionRegistry } from './live-sessions.ts';
import { terminalPart } from './terminal-part.ts';

type SessionRoutes =
  | 'sessions'
  | 'session'
  | 'statements'
  | 'result'
  | 'terminal'
  | 'verifySession'
  | 'killSession'
  | 'search'
  | 'summary'
  | 'insights'
  | 'insightShapes'
  | 'exchange';

/** The control API's routes on sessions: the index, with what is open now in front of it. */
export function createSessionHandlers(parts: {
  store: Pick<
    Store,
    | 'sessions'
    | 'session'
    | 'statements'
    | 'result'
    | 'search'
    | 'summary'
    | 'insights'
    | 'insightShapes'
    | 'exchange'
    | 'indexSession'
  >;
  registry: SessionRegistry;
  recordingsDir: string;
  /** Milliseconds since the epoch. */
  now(): number;
}): Pick<ControlHandlers, SessionRoutes> {
  const { store, registry, recordingsDir, now } = parts;
  const unknown = (id: string) => new CountersignError('SESSION_UNKNOWN', `There is no session ${id}.`);
  /** A session that is shown because it lives, or has just ended, may not be in the index yet: then it is put there first. */
  const indexed = async <T>(id: string, read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      if (!isCountersignError(error, 'SESSION_UNKNOWN')) throw error;
      if ((await recordings.findSession(recordingsDir, id)) === null) throw unknown(id);
      await store.indexSession(id);
      return read();
    }
  };
  return {
    sessions: async (filter) => mergeLiveSessions(await store.sessions(filter), registry.list(), filter),
    session: async ({ id }) => {
      const session = registry.get(id) ?? (await store.session(id));
      if (!session) throw unknown(id);
      return session;
    },
    statements: ({ id, ...page }) => indexed(id, () => store.statements(id, page)),
    result: ({ id, index, ...page }) => indexed(id, () => store.result(id, index, page)),
    exchange: ({ id, index }) => indexed(id, () => store.exchange(id, index)),
    search: ({ q, offset, limit, ...filter }) =>
      store.search({ ...filter, ...(q === undefined ? {} : { text: q }) }, { offset, limit }),
    summary: ({ since }) => store.summary(since),
    insights: (input) => store.insights(input, now()),
    insightShapes: (input) => store.insightShapes(input, now()),
    terminal: ({ id, unit = 0, at = Number.NEGATIVE_INFINITY }) =>
      terminalPart(recordings, recordingsDir, id, { unit, at }),
    verifySession: async ({ id }) => {
      const folder = await recordings.findSession(recordingsDir, id);
      if (!folder) throw unknown(id);
      return (await import('../recording/verify.ts')).verifySession(folder);
    },
    killSession: ({ id }, { decidedBy }) => {
      if (!registry.kill(id, `${decidedBy} ended this session`)) {
        throw new CountersignError('SESSION_NOT_OPEN', `Session ${id} is not open, so there is nothing to end.`);
      }
      return {};
    },
  };
}

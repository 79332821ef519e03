import { CountersignError, isCountersignError } from '../contract/errors.ts';
import type { ControlHandlers } from '../control/handlers.ts';
import * as recordings from '../recording/reader.ts';
import { mergeLiveSessions } from '../store/merge-live.ts';
import type { Store } from '../store/store.ts';
import type { SessionRegistry } from './live-sessions.ts';
import type { Readers } from './readers.ts';
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
  readers: Readers;
  /** Milliseconds since the epoch. */
  now(): number;
}): Pick<ControlHandlers, SessionRoutes> {
  const { store, registry, recordingsDir, readers, now } = parts;
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
  const opened = async <T>(id: string, read: () => Promise<T>): Promise<T> => {
    await readers.open(id);
    return indexed(id, read);
  };
  const only = () => readers.onlySubject() ?? undefined;
  const visible = () => {
    const subject = only();
    return subject === undefined ? registry.list() : registry.list().filter((one) => one.identity.subject === subject);
  };
  return {
    sessions: async (filter) => {
      const page = mergeLiveSessions(await store.sessions({ ...filter, subject: only() }), visible(), filter);
      await readers.shown(
        'listed',
        page.items.map(({ id }) => id),
      );
      return page;
    },
    session: async ({ id }) => {
      const session = registry.get(id) ?? (await store.session(id));
      if (!session) throw unknown(id);
      await readers.open(id);
      return session;
    },
    statements: ({ id, ...page }) => opened(id, () => store.statements(id, page)),
    result: ({ id, index, ...page }) => opened(id, () => store.result(id, index, page)),
    exchange: ({ id, index }) => opened(id, () => store.exchange(id, index)),
    search: async ({ q, offset, limit, ...filter }) => {
      const wanted = { ...filter, ...(q === undefined ? {} : { text: q }), subject: only() };
      const page = await store.search(wanted, { offset, limit });
      await readers.shown(
        'searched',
        page.items.map(({ sessionId }) => sessionId),
      );
      return page;
    },
    summary: ({ since }) => store.summary(since, only()),
    insights: (input) => store.insights({ ...input, subject: only() }, now()),
    insightShapes: async (input) => {
      const shapes = await store.insightShapes({ ...input, subject: only() }, now());
      await readers.shown(
        'searched',
        shapes.items.map(({ sessionId }) => sessionId),
      );
      return shapes;
    },
    terminal: async ({ id, unit = 0, at = Number.NEGATIVE_INFINITY }) => {
      await readers.open(id);
      return terminalPart(recordings, recordingsDir, id, { unit, at });
    },
    verifySession: async ({ id }) => {
      await readers.open(id);
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

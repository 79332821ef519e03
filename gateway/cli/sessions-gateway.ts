import { CountersignError, isCountersignError } from '../contract/errors.ts';
import type { SessionFilter } from '../contract/routes/sessions.ts';
import type { StatementFilter } from '../contract/search.ts';
import type { Session, Statement } from '../contract/session.ts';
import type { ControlClient } from '../control/client.ts';
import type { RecordedSession } from '../recording/recorded.ts';
import type { ShownStatement } from './sessions-walk.ts';

/** Sessions as the running gateway tells them, for whom its recordings are not readable (protected mode). */
export interface GatewaySessions {
  list(filter: SessionFilter): Promise<{ items: Session[]; total: number }>;
  search(filter: StatementFilter, page: Page): Promise<{ items: Statement[]; total: number }>;
  session(id: string): Promise<Session>;
  /**
   * All statements in order, those that are wanted with their first `rows` rows. Notices are not told,
   * and lines that a client sent by COPY are told as its result.
   */
  statements(id: string, rows: number, wanted: (index: number) => boolean): AsyncGenerator<ShownStatement>;
}

interface Page {
  offset: number;
  limit: number;
}

/** Statements or rows that the gateway gives at once. */
const PAGE = 500;

/** @param home for the sentence when the gateway does not answer either (HOME_NOT_OURS). */
export function gatewaySessions(control: ControlClient, home: string): GatewaySessions {
  const call: ControlClient['call'] = async (name, input) => {
    try {
      return await control.call(name, input);
    } catch (cause) {
      if (!isCountersignError(cause, 'CONTROL_UNREACHABLE')) throw cause;
      throw new CountersignError(
        'HOME_NOT_OURS',
        `${home} belongs to the protected gateway, which does not answer you either: have it started, be in its group, or run this with sudo`,
        { cause },
      );
    }
  };

  async function rowsOf(id: string, index: number, most: number): Promise<(string | null)[][]> {
    const rows: (string | null)[][] = [];
    while (rows.length < most) {
      const limit = Math.min(PAGE, most - rows.length);
      const page = await call('result', { id, index, offset: rows.length, limit });
      rows.push(...page.rows);
      if (page.rows.length === 0 || rows.length >= page.total) break;
    }
    return rows;
  }

  return {
    list: (filter) => call('sessions', filter),
    search: ({ text, ...filter }, { offset, limit }) =>
      call('search', {
        ...filter,
        ...(text === undefined ? {} : { q: text }),
        offset,
        limit: Math.min(limit, PAGE),
      }),
    session: (id) => call('session', { id }),
    async *statements(id, rows, wanted) {
      for (let offset = 0; ; ) {
        const { items, total } = await call('statements', { id, offset, limit: PAGE });
        for (const statement of items) {
          const shows = rows > 0 && statement.columns.length > 0 && wanted(statement.index);
          const shownRows = shows ? await rowsOf(id, statement.index, rows) : [];
          yield { ...statement, copyIn: null, notices: [], shownRows };
        }
        offset += items.length;
        if (items.length === 0 || offset >= total) return;
      }
    },
  };
}

/** A session of the gateway's as its recording's header would say it. */
export function recordedOf(session: Session): RecordedSession {
  const { id, state, identity, agent, database, conversationId, openedAt, closedAt, applicationName } = session;
  const { statements, asked, denied, errors, rows, bytesUp, bytesDown, masked } = session;
  const counts = { exchanges: 0, statements, asked, denied, errors, rows, bytesUp, bytesDown, masked };
  return {
    id,
    folder: '',
    state,
    info: {
      id,
      openedAt,
      identity,
      agent,
      connection: {
        id: session.connectionId,
        kind: session.protocol,
        host: '',
        port: 0,
        mode: session.mode,
        masking: '',
      },
      database,
      user: session.role,
      applicationName,
      conversationId,
      policyHash: '',
      protection: 'protected',
    },
    close: closedAt === null ? null : { at: Date.parse(closedAt) * 1000, reason: state, counts },
  };
}

import type { Statement } from '../contract/session.ts';
import type { DerivedStatement, Notice } from '../pipeline/derive.ts';
import type { RecordedEvent } from '../recording/recorded.ts';
import { type WalkOptions, walkSession } from '../store/walk.ts';
import type { SessionDeps } from './sessions.ts';
import { ON_GATEWAY } from './sessions-find.ts';

/** A statement with its place, and the rows that were wanted of it. */
export interface ShownStatement extends Statement {
  copyIn: number | null;
  notices: Notice[];
  shownRows: (string | null)[][];
}

/** Rows of one statement that are held; what is shown of larger results is cut there. */
const MAX_HELD_CHARS = 4 * 1024 * 1024;

/** All statements of a session in order, those that are wanted with their first `rows` rows. */
export async function* statementsOf(
  deps: SessionDeps,
  folder: string,
  sessionId: string,
  rows: number,
  wanted: (index: number) => boolean = () => true,
): AsyncGenerator<ShownStatement> {
  if (folder === ON_GATEWAY) {
    yield* deps.gateway()!.statements(sessionId, rows, wanted);
    return;
  }
  let index = 0;
  let held = new HeldRows(rows);
  const options: WalkOptions = { unfinished: true, rows: () => rows > 0 };
  for await (const { told } of walkSession(deps.recordings, folder, options)) {
    for (const one of told) {
      if (one.type === 'row') held.add(one.values);
      else if (one.type === 'notice') held.notice(one.notice);
      else if (one.type === 'statement') {
        yield { ...placed(one.statement, sessionId, index++), notices: held.notices, shownRows: held.rows };
        held = new HeldRows(rows);
      }
    }
  }
}

/** Events of a session; the gateway tells none. */
export async function* eventsOf(deps: SessionDeps, folder: string): AsyncGenerator<RecordedEvent> {
  if (folder !== ON_GATEWAY) yield* deps.recordings.events(folder);
}

/** The derived statement as the contract has it. */
export function placed(
  derived: DerivedStatement,
  sessionId: string,
  index: number,
): Statement & { copyIn: number | null } {
  const { ordinal: _ordinal, part: _part, objects: _objects, formats: _formats, startedUs, ...statement } = derived;
  return { sessionId, index, startedAt: new Date(startedUs / 1000).toISOString(), ...statement };
}

class HeldRows {
  readonly rows: (string | null)[][] = [];
  readonly notices: Notice[] = [];
  readonly #limit: number;
  #chars = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(values: (string | null)[]): void {
    if (this.rows.length >= this.#limit || this.#chars > MAX_HELD_CHARS) return;
    for (const value of values) this.#chars += value?.length ?? 4;
    this.rows.push(values);
  }

  notice(notice: Notice): void {
    if (this.notices.length < 100) this.notices.push(notice);
  }
}

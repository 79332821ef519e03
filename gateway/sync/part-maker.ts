import * as fs from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isCountersignError } from '../contract/errors.ts';
import type { RecorderSessionInfo } from '../pipeline/ports.ts';
import { SUMS_SIGNATURE_NAME } from '../recording/files.ts';
import { FormatError } from '../recording/format/primitives.ts';
import { lastLine } from '../recording/log.ts';
import { findSession, readOpen, sessionFolders } from '../recording/reader.ts';
import { encryptPart } from './age.ts';
import { nextCut, readRange } from './cut.ts';
import type { Outbox, SessionRow } from './outbox/outbox.ts';
import type { Staging } from './outbox/staging.ts';
import { partHash, partName, writePart } from './part.ts';

/** Sessions that are written down in one transaction. */
const AT_ONCE = 100;

export interface PartMakerDeps {
  outbox: Outbox;
  staging: Staging;
  recordingsDir: string;
  now: () => number;
  /** Of one part's ranges, at most. */
  partBytes: number;
}

/** Makes the parts of sessions, one at a time and no sooner than there is room for them. */
export class PartMaker {
  readonly #deps: PartMakerDeps;

  constructor(deps: PartMakerDeps) {
    this.#deps = deps;
  }

  /** Writes down every session of the recordings' folder that is not known yet, and the end of those that ended. */
  async discover(signal: AbortSignal): Promise<void> {
    const { outbox, recordingsDir } = this.#deps;
    let fresh: string[] = [];
    const add = () =>
      outbox.transaction(() => {
        for (const folder of fresh) this.#add(folder);
      });
    for await (const folder of sessionFolders(recordingsDir)) {
      if (signal.aborted) return;
      if (outbox.session(basename(folder)) === null) fresh.push(folder);
      if (fresh.length < AT_ONCE) continue;
      add();
      fresh = [];
    }
    add();
    const open = outbox.openSessions();
    for (let at = 0; at < open.length && !signal.aborted; at += AT_ONCE) {
      this.noteGrowth(open.slice(at, at + AT_ONCE));
      await setImmediate();
    }
  }

  /** Writes a session down where it is new. @returns false where there is none, or it cannot be read yet. */
  async know(sid: string): Promise<boolean> {
    const { outbox, recordingsDir } = this.#deps;
    let row = outbox.session(sid);
    if (row === null) {
      const folder = await findSession(recordingsDir, sid);
      if (folder === null) return false;
      this.#add(folder);
      row = outbox.session(sid);
    }
    return row !== null && row.removedAt === null;
  }

  /** Writes down how large these sessions are, and the end of those that ended. */
  noteGrowth(sids: readonly string[]): void {
    const { outbox } = this.#deps;
    outbox.transaction(() => {
      for (const sid of sids) {
        const row = outbox.session(sid);
        if (row !== null && row.removedAt === null) this.#noteGrowth(row);
      }
    });
  }

  #add(folder: string): void {
    const { outbox, recordingsDir, now } = this.#deps;
    try {
      const open = readOpen(folder);
      const { sid } = open;
      const info = open.info as unknown as RecorderSessionInfo;
      if (sid !== basename(folder)) return;
      outbox.addSession(
        {
          sid,
          folder: relative(recordingsDir, folder).split(sep).join('/'),
          connection: info.connection.id,
          sync: info.connection.sync ?? 'all',
          openedAt: Date.parse(info.openedAt),
          bytes: folderBytes(folder),
        },
        now(),
      );
    } catch (error) {
      // One that has not been written whole is found again when it grows, and at the next start.
      if (!isCountersignError(error)) throw error;
    }
  }

  #noteGrowth(row: SessionRow): void {
    const { outbox, now } = this.#deps;
    const folder = this.#folder(row);
    if (!fs.existsSync(folder)) {
      outbox.addFinding(
        row.sid,
        `The recording of session ${row.sid} is gone from this disk; not all of it was sent.`,
        now(),
      );
      outbox.removedSession(row.sid, now());
      return;
    }
    const bytes = folderBytes(folder);
    const closed = row.endedAt === null && fs.existsSync(join(folder, SUMS_SIGNATURE_NAME));
    const last = closed ? lastLine(folder) : null;
    if (last?.type === 'close') {
      const { asked, denied, errors } = last.counts;
      outbox.endSession(row.sid, { endedAt: Math.floor(last.t / 1000), asked, denied, errors }, row.bytes);
    }
    if (bytes !== row.bytes) outbox.grewTo(row.sid, bytes, now());
  }

  #folder(row: SessionRow): string {
    return join(this.#deps.recordingsDir, row.folder);
  }

  /**
   * Makes a session's next part and stages it.
   * @returns more: there is enough for another one; none: there is nothing to make a part of. Rejects with what the disk says.
   */
  async make(sid: string, prefix: string, recipients: readonly string[]): Promise<'made' | 'more' | 'none'> {
    const { outbox, staging, now } = this.#deps;
    this.noteGrowth([sid]);
    const row = outbox.session(sid);
    if (row === null || row.sync === 'local' || row.complete || row.removedAt !== null) return 'none';
    const folder = this.#folder(row);
    const cut = this.#cut(row, folder);
    if (cut === null) return 'none';
    const part = {
      sid,
      n: row.nextPart,
      prev: row.prev,
      last: cut.last,
      ranges: cut.ranges.map((range) => ({ ...range, bytes: readRange(folder, range) })),
    };
    const plaintext = writePart(part);
    const encrypted = recipients.length > 0;
    const bytes = encrypted ? await encryptPart(plaintext, recipients) : plaintext;
    // Below the recordings' folder it is `sessions/YYYY/MM/DD/<sid>`, as in the store.
    const name = `${prefix}/${row.folder}/${partName(row.nextPart, encrypted)}`;
    const staged = staging.write(bytes);
    const next = { prev: partHash(plaintext), cursor: cut.cursor, rest: cut.rest };
    const object = { lane: sid, kind: cut.last ? ('last-part' as const) : ('part' as const), name, ...staged };
    if (outbox.stagePart(object, row, next, now())) return cut.more ? 'more' : 'made';
    staging.remove(staged.file);
    return 'more';
  }

  #cut(row: SessionRow, folder: string): ReturnType<typeof nextCut> {
    try {
      const cut = nextCut(folder, row.cursor, this.#deps.partBytes);
      if (cut === null) this.#deps.outbox.nothingLeft(row.sid);
      return cut;
    } catch (error) {
      if (!(error instanceof FormatError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      const sentence = `Session ${row.sid} cannot be sent any further: ${(error as Error).message}.`;
      this.#deps.outbox.setProblem(row.sid, sentence);
      return null;
    }
  }
}

function folderBytes(folder: string): number {
  let sum = 0;
  for (const name of fs.readdirSync(folder)) {
    try {
      sum += fs.statSync(join(folder, name)).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return sum;
}

import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { CountersignError } from '../contract/errors.ts';
import { numbered, OPEN_NAME, SUMS_NAME } from './files.ts';
import { toBase64 } from './format/bytes.ts';
import { type Head, MAX_NOTE_BYTES, parseHead, splitHeads } from './format/note.ts';
import { FormatError } from './format/primitives.ts';
import { lastLine } from './log.ts';
import { readOpen } from './reader.ts';

/** What the device's log says of a session, so that it is missed when it is gone. Hashes and keys are base64. */
export interface OpenedFact {
  type: 'opened';
  sid: string;
  key: string;
  /** SHA-256 of the open event's line, without its newline. */
  open: string;
  connection: string;
  identity: string;
  /** `local`: it never leaves this machine. */
  sync: 'all' | 'local';
}

export interface ClosedFact {
  type: 'closed';
  sid: string;
  state: 'closed' | 'incomplete';
  /** Of the last head, which covers the close event. */
  size: number;
  root: string;
  units: number;
  /** SHA-256 of SHA256SUMS. */
  sums: string;
}

export type SessionFact = OpenedFact | ClosedFact;

const sha256 = (bytes: Uint8Array): string => crypto.hash('sha256', bytes, 'base64');

/** Throws RECORDING_UNREADABLE. */
export function openedFact(folder: string): OpenedFact {
  const { sid, key, info } = readOpen(folder);
  const { connection, identity } = info as {
    connection?: { id?: string; sync?: string };
    identity?: { subject?: string };
  };
  const sync = connection?.sync === 'local' ? 'local' : 'all';
  const open = sha256(fs.readFileSync(join(folder, OPEN_NAME)).subarray(0, -1));
  return { type: 'opened', sid, key, open, connection: connection?.id ?? '', identity: identity?.subject ?? '', sync };
}

/** Of a session that was closed. Throws RECORDING_UNREADABLE. */
export function closedFact(folder: string): ClosedFact {
  const { sid } = readOpen(folder);
  const close = lastLine(folder);
  const head = lastHead(folder);
  if (close?.type !== 'close' || head === null) {
    throw new CountersignError('RECORDING_UNREADABLE', `The recording in ${folder} has no readable end.`);
  }
  const { state, units } = close;
  const sums = sha256(fs.readFileSync(join(folder, SUMS_NAME)));
  return { type: 'closed', sid, state, size: head.size, root: toBase64(head.root), units, sums };
}

/** The newest signed head of a session; null when there is none that can be read. Not verified. */
export function lastHead(folder: string): Head | null {
  const file = numbered(folder, 'heads').at(-1);
  if (file === undefined) return null;
  const fd = fs.openSync(file.path, 'r');
  try {
    const { size } = fs.fstatSync(fd);
    const tail = Buffer.alloc(Math.min(size, 2 * MAX_NOTE_BYTES));
    const read = fs.readSync(fd, tail, 0, tail.length, size - tail.length);
    return newestOf(tail.subarray(0, read));
  } finally {
    fs.closeSync(fd);
  }
}

/** A note is six lines; where in the tail one begins is known by its origin. */
function newestOf(tail: Buffer): Head | null {
  for (let at = tail.lastIndexOf('countersign/session/'); at >= 0; ) {
    if (at === 0 || tail[at - 1] === 0x0a) {
      const note = splitHeads(tail.subarray(at)).notes[0];
      try {
        if (note !== undefined) return parseHead(note);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }
    if (at === 0) return null;
    at = tail.lastIndexOf('countersign/session/', at - 1);
  }
  return null;
}

import * as fs from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { CountersignError } from '../contract/errors.ts';
import { signCheckpoint } from '../evidence/format/checkpoint.ts';
import type { Signer } from '../evidence/format/vkey.ts';
import { append } from '../recording/files.ts';
import { Frontier, leafHash } from '../recording/format/merkle.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';

const text = z.string().max(2000);
const base = { v: z.literal(1), n: z.number().int().min(0), t: z.iso.datetime({ precision: 3 }), by: text };

/** What is done with other people's recordings, and by whom: the auditor is watched too. */
const AuditLogEntry = z.discriminatedUnion('type', [
  z.object({ ...base, type: z.literal('workspace'), org: text, root: text, vkey: text, name: text }),
  z.object({ ...base, type: z.literal('imported'), source: text, objects: z.number(), bytes: z.number() }),
  z.object({ ...base, type: z.literal('verified'), what: text, ok: z.boolean(), failed: z.number() }),
  z.object({ ...base, type: z.literal('opened'), sid: text, how: text }),
  z.object({ ...base, type: z.literal('searched'), words: text, found: z.number() }),
  z.object({ ...base, type: z.literal('exported'), what: text, format: text, to: text }),
  z.object({ ...base, type: z.literal('retention'), what: text, why: text }),
  z.object({ ...base, type: z.literal('redacted'), sid: text, what: text, why: text }),
]);
export type AuditLogEntry = z.infer<typeof AuditLogEntry>;
/** An entry before it has its place, time and person. */
export type NewAuditLogEntry = AuditLogEntry extends infer E
  ? E extends AuditLogEntry
    ? Omit<E, 'v' | 'n' | 't' | 'by'>
    : never
  : never;

const HEADER = 8;
const MAX_ENTRY_BYTES = 65_535;
const MAX_LOG_BYTES = 1024 * 1024 * 1024;

/**
 * The auditor's own log, in the form of a device's (gateway/evidence/SPEC.md): `entries` as
 * `length[4, big-endian] ‖ crc32[4] ‖ bytes`, signed heads as `checkpoints/<size>`. An entry is written before
 * what it is about happens; heads are signed where the auditor's key is at hand.
 */
export class AuditLog {
  readonly #folder: string;
  readonly #now: () => number;
  readonly #assertMay: (type: NewAuditLogEntry['type']) => void;

  /** @param assertMay throws where who owns the workspace may not do what the entry is of. */
  constructor(folder: string, now: () => number, assertMay: (type: NewAuditLogEntry['type']) => void = () => {}) {
    this.#folder = folder;
    this.#now = now;
    this.#assertMay = assertMay;
  }

  append(entry: NewAuditLogEntry): void {
    this.#assertMay(entry.type);
    this.#locked(() => {
      const n = this.#cutTornTail();
      const whole = { v: 1, n, t: new Date(this.#now()).toISOString(), by: user(), ...entry };
      const bytes = Buffer.from(JSON.stringify(AuditLogEntry.parse(whole)));
      if (bytes.length > MAX_ENTRY_BYTES)
        throw new CountersignError('AUDIT_LOG_FAILED', 'an entry of the log is too long');
      const header = Buffer.alloc(HEADER);
      header.writeUInt32BE(bytes.length, 0);
      header.writeUInt32BE(crc32(bytes), 4);
      append(this.#file, Buffer.concat([header, bytes]));
      sync(this.#file);
    });
  }

  /** Signs a head over everything so far. */
  sign(signer: Signer): void {
    this.#locked(() => {
      const frontier = new Frontier(p.sha256);
      for (const entry of this.entries()) frontier.add(leafHash(p.sha256, entry));
      const path = join(this.#folder, 'checkpoints', String(frontier.size));
      if (frontier.size === 0 || fs.existsSync(path)) return;
      fs.mkdirSync(join(this.#folder, 'checkpoints'), { recursive: true, mode: 0o700 });
      const head = { origin: signer.vkey.name, size: frontier.size, root: frontier.root() };
      fs.writeFileSync(path, signCheckpoint(head, signer), { mode: 0o600, flush: true });
    });
  }

  /** Entries in order, up to the first that is not whole. */
  *entries(): Generator<Uint8Array> {
    for (const { bytes } of this.#frames()) yield bytes;
  }

  *#frames(): Generator<{ bytes: Uint8Array; end: number }> {
    if (!fs.existsSync(this.#file)) return;
    if (fs.statSync(this.#file).size > MAX_LOG_BYTES) {
      throw new CountersignError('AUDIT_LOG_FAILED', `${this.#file} is larger than a log should be; move it away`);
    }
    const all = fs.readFileSync(this.#file);
    for (let at = 0; at + HEADER <= all.length; ) {
      const end = at + HEADER + all.readUInt32BE(at);
      const bytes = all.subarray(at + HEADER, end);
      if (end > all.length || crc32(bytes) !== all.readUInt32BE(at + 4)) return;
      yield { bytes, end };
      at = end;
    }
  }

  /** @returns how many entries are whole. */
  #cutTornTail(): number {
    fs.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    let n = 0;
    let whole = 0;
    for (const { end } of this.#frames()) {
      n += 1;
      whole = end;
    }
    if (fs.existsSync(this.#file) && fs.statSync(this.#file).size > whole) fs.truncateSync(this.#file, whole);
    return n;
  }

  get #file(): string {
    return join(this.#folder, 'entries');
  }

  /** Two commands may write at once; the lock ends with the process. */
  #locked(work: () => void): void {
    fs.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const lock = new Database(join(this.#folder, 'lock'), { timeout: 10_000 });
    try {
      lock.exec('BEGIN EXCLUSIVE');
      work();
    } finally {
      lock.close();
    }
  }
}

function sync(path: string): void {
  const fd = fs.openSync(path, 'r+');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** The account at the auditor's machine. */
function user(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

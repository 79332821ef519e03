import { createCipheriv, createDecipheriv } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { CountersignError } from '../../../contract/errors.ts';
import type { Kept, LeftFile } from '../../../contract/undo.ts';
import type { Clock } from '../../../pipeline/ports.ts';

/** What was kept of one action. */
export interface KeptAction {
  at: string;
  text: string;
  kept: Kept;
  /** By path. */
  left: Record<string, LeftFile>;
}

export interface UndoStore {
  /** Throws what the disk throws: then nothing was kept. */
  keep(sessionId: string, exchange: number, action: KeptAction): void;
  /** How the action left the files. */
  left(sessionId: string, exchange: number, left: Record<string, LeftFile>): void;
  /** Throws UNDO_UNKNOWN, UNDO_DAMAGED. */
  get(sessionId: string, exchange: number): KeptAction;
  has(sessionId: string, exchange: number): boolean;
}

const UNDO_DAYS = 14;
const UNDO_BYTES = 256 * 1024 * 1024;
const ALGORITHM = 'aes-256-gcm';
const MAX_FILE = 64 * 1024 * 1024;

/**
 * What agents' actions removed or replaced, each action in a file of its own, encrypted under a key that only this
 * store has. It stays on this machine: it is in no recording and in no bundle. The oldest goes first.
 */
export function createUndoStore(deps: {
  dir: string;
  clock: Clock;
  randomBytes(length: number): Uint8Array;
}): UndoStore {
  const { dir, clock, randomBytes } = deps;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const key = loadKey(join(dir, 'key'), randomBytes);
  const nameOf = (sessionId: string, exchange: number) => {
    if (!/^[0-9A-Za-z-]{1,64}$/.test(sessionId)) throw unknown();
    return `${sessionId}.${exchange}.undo`;
  };
  const fileOf = (sessionId: string, exchange: number) => join(dir, nameOf(sessionId, exchange));

  function write(sessionId: string, exchange: number, action: KeptAction): void {
    const name = nameOf(sessionId, exchange);
    const nonce = randomBytes(12);
    const cipher = createCipheriv(ALGORITHM, key, nonce);
    // One action's file does not pass for another's.
    cipher.setAAD(Buffer.from(name));
    const sealed = Buffer.concat([cipher.update(gzipSync(JSON.stringify(action))), cipher.final()]);
    makeRoom(sealed.length);
    writeFileSync(join(dir, name), Buffer.concat([nonce, cipher.getAuthTag(), sealed]), { mode: 0o600 });
  }

  function makeRoom(bytes: number): void {
    const all = readdirSync(dir)
      .filter((name) => name.endsWith('.undo'))
      .map((name) => ({ name, stat: statSync(join(dir, name)) }))
      .sort((a, b) => a.stat.mtimeMs - b.stat.mtimeMs);
    let total = all.reduce((sum, { stat }) => sum + stat.size, bytes);
    const oldest = clock.now() - UNDO_DAYS * 86_400_000;
    for (const { name, stat } of all) {
      if (total <= UNDO_BYTES && stat.mtimeMs >= oldest) break;
      rmSync(join(dir, name));
      total -= stat.size;
    }
  }

  function get(sessionId: string, exchange: number): KeptAction {
    const file = fileOf(sessionId, exchange);
    if (!existsSync(file)) throw unknown();
    try {
      const bytes = readFileSync(file);
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, 12));
      decipher.setAAD(Buffer.from(nameOf(sessionId, exchange)));
      decipher.setAuthTag(bytes.subarray(12, 28));
      const text = gunzipSync(Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]), {
        maxOutputLength: MAX_FILE,
      });
      return JSON.parse(text.toString('utf8')) as KeptAction;
    } catch (cause) {
      throw new CountersignError('UNDO_DAMAGED', 'What was kept of this action cannot be read any more.', { cause });
    }
  }

  return {
    keep: write,
    left(sessionId, exchange, left) {
      write(sessionId, exchange, { ...get(sessionId, exchange), left });
    },
    get,
    has: (sessionId, exchange) => existsSync(fileOf(sessionId, exchange)),
  };
}

const unknown = () =>
  new CountersignError('UNDO_UNKNOWN', 'Nothing was kept of this action, so it cannot be undone from here.');

function loadKey(file: string, randomBytes: (length: number) => Uint8Array): Buffer {
  if (!existsSync(file)) writeFileSync(file, randomBytes(32), { mode: 0o600, flag: 'wx' });
  const key = readFileSync(file);
  if (key.length !== 32)
    throw new CountersignError('UNDO_KEY', `The key of what is kept to be undone is damaged: ${file}`);
  return key;
}

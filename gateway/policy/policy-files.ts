import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** One file of the history. */
export interface AcceptedSet {
  /** From 1, in the order they were accepted. */
  number: number;
  hash: string;
  /** By the file's time: what a person accepted is also in the device's log. */
  acceptedMs(): number;
  read(): string;
}

/**
 * A policy folder:
 * - `active.cedar` and `active.json` ({"hash"}): what a person accepted. When they disagree, somebody edited the file.
 * - `staged.cedar` and `staged.json` ({"stagedAt"}): proposed, not in force.
 * - `history/<number>-<hash>.cedar`: every set that was in force, oldest first.
 */
export class PolicyFiles {
  readonly #dir: string;

  /** Creates the folder. Throws when it cannot. */
  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(join(dir, 'history'), { recursive: true, mode: 0o700 });
  }

  readActive(): { text: string; acceptedHash: string | null } | null {
    const text = this.#read('active.cedar');
    return text === null ? null : { text, acceptedHash: this.#field('active.json', 'hash') };
  }

  writeActive(text: string, hash: string): void {
    const number = this.history().length + 1;
    this.#write(join('history', `${String(number).padStart(6, '0')}-${hash}.cedar`), text);
    this.#write('active.cedar', text);
    this.#write('active.json', `${JSON.stringify({ hash })}\n`);
  }

  readStaged(): { text: string; stagedAt: string } | null {
    const text = this.#read('staged.cedar');
    return text === null ? null : { text, stagedAt: this.#field('staged.json', 'stagedAt') ?? '' };
  }

  writeStaged(text: string, stagedAt: string): void {
    this.#write('staged.json', `${JSON.stringify({ stagedAt })}\n`);
    this.#write('staged.cedar', text);
  }

  removeStaged(): void {
    for (const name of ['staged.cedar', 'staged.json']) rmSync(join(this.#dir, name), { force: true });
  }

  /** Newest first. */
  history(): AcceptedSet[] {
    return readdirSync(join(this.#dir, 'history'))
      .filter((name) => /^\d{6}-[0-9a-f]{64}\.cedar$/.test(name))
      .sort()
      .toReversed()
      .map((name) => ({
        number: Number(name.slice(0, 6)),
        hash: name.slice(7, 71),
        acceptedMs: () => statSync(join(this.#dir, 'history', name)).mtimeMs,
        read: () => readFileSync(join(this.#dir, 'history', name), 'utf8'),
      }));
  }

  #read(name: string): string | null {
    try {
      return readFileSync(join(this.#dir, name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  #field(name: string, field: string): string | null {
    try {
      const value: unknown = JSON.parse(this.#read(name) ?? '{}');
      const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : null;
      return typeof found === 'string' ? found : null;
    } catch {
      return null;
    }
  }

  /** Whole or not at all: a reader never sees half a policy. */
  #write(name: string, text: string): void {
    const path = join(this.#dir, name);
    const temporary = `${path}.new`;
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  }
}

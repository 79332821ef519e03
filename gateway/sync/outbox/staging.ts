import { createHash, hash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { writeAll } from '../../recording/files.ts';
import type { ObjectBody } from '../ports.ts';

const CHUNK = 64 * 1024;

export interface StagedFile {
  file: string;
  size: number;
  sha256: Uint8Array;
}

/** Bytes of objects on their way, each a file of its own that only the gateway's user reads. */
export class Staging {
  readonly #folder: string;

  constructor(folder: string) {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
  }

  /** On disk when it returns; it counts once the outbox names it. */
  write(bytes: Uint8Array): StagedFile {
    const file = randomBytes(16).toString('hex');
    const path = join(this.#folder, file);
    const fd = fs.openSync(path, 'wx', 0o600);
    try {
      writeAll(fd, bytes, 0);
      fs.fsyncSync(fd);
    } catch (error) {
      fs.rmSync(path, { force: true });
      throw error;
    } finally {
      fs.closeSync(fd);
    }
    this.#sync();
    return { file, size: bytes.length, sha256: hash('sha256', bytes, 'buffer') };
  }

  #sync(): void {
    if (process.platform === 'win32') return;
    const fd = fs.openSync(this.#folder, 'r');
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  remove(file: string): void {
    fs.rmSync(join(this.#folder, file), { force: true });
  }

  /** Files that nothing names: the gateway was stopped between writing one and naming it, or before removing it. */
  sweep(named: ReadonlySet<string>): void {
    for (const file of fs.readdirSync(this.#folder)) if (!named.has(file)) this.remove(file);
  }

  /** Whether the bytes are still those that were staged. */
  isWhole({ file, size, sha256 }: StagedFile): boolean {
    const hashed = createHash('sha256');
    try {
      const bytes = fs.readFileSync(join(this.#folder, file));
      return bytes.length === size && hashed.update(bytes).digest().equals(sha256);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }

  /** @param pace is called before each chunk is handed on. */
  body({ file, size, sha256 }: StagedFile, pace: (bytes: number) => Promise<void>): ObjectBody {
    const path = join(this.#folder, file);
    return {
      size,
      sha256,
      async *open() {
        for await (const chunk of fs.createReadStream(path, { highWaterMark: CHUNK }) as AsyncIterable<Buffer>) {
          await pace(chunk.length);
          yield chunk;
        }
      },
    };
  }
}

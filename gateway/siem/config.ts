import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../config/atomic-file.ts';
import { CountersignError } from '../contract/errors.ts';
import { SiemDestination } from '../contract/siem.ts';

const SiemFile = z.strictObject({
  version: z.literal(1),
  destinations: z.array(SiemDestination).max(16).default([]),
  /** What may wait on disk for all destinations together; more drops the oldest, and says so. */
  spoolBytes: z.number().int().min(1_048_576).max(10_737_418_240).default(268_435_456),
});
type SiemFile = z.infer<typeof SiemFile>;

export interface SiemFileStore {
  readonly content: SiemFile;
  /** Throws CONFIG_CHANGED when somebody edited the file since it was read. */
  assertUnchanged(): void;
  /** On disk before it returns. Throws CONFIG_CHANGED. */
  save(destinations: SiemDestination[]): void;
}

/** Under this name the secret of a destination lies in the vault; no connection can have it. */
export const secretName = (id: string): string => `siem:${id}`;

/**
 * `siem.json` of the gateway's home, which holds no secrets. It is read once: editing it under a running gateway
 * changes nothing until the next start, and is never overwritten unseen. Errors: SIEM_CONFIG_BROKEN, with the place.
 */
export function openSiemFile(file: string): SiemFileStore {
  let text = readFileIfThere(file);
  let content = parse(file, text);
  function assertUnchanged(): void {
    if (readFileIfThere(file) === text) return;
    throw new CountersignError(
      'CONFIG_CHANGED',
      `${file} was changed outside of Countersign; nothing was written. Restart the gateway to take those changes, or undo them.`,
    );
  }
  return {
    get content() {
      return content;
    },
    assertUnchanged,
    save(destinations) {
      assertUnchanged();
      const next = { ...content, destinations };
      const written = `${JSON.stringify(next, null, 2)}\n`;
      writeFileAtomic(file, written);
      text = written;
      content = next;
    },
  };
}

function parse(file: string, text: string | null): SiemFile {
  if (text === null) return SiemFile.parse({ version: 1 });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw broken(`${file} is not JSON: ${(cause as Error).message}`, cause);
  }
  const parsed = SiemFile.safeParse(json);
  if (!parsed.success) throw broken(`${file}: ${problem(parsed.error)}`);
  const ids = parsed.data.destinations.map(({ id }) => id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) throw broken(`${file}: the destination ${twice} is there twice`);
  for (const destination of parsed.data.destinations) assertSafe(destination, dirname(file));
  return parsed.data;
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

/**
 * Events and the header's secret never cross a network in clear, and no file of the gateway's own is
 * written over.
 */
export function assertSafe(destination: SiemDestination, home: string): void {
  if (destination.kind === 'file') {
    const way = relative(real(home), join(real(dirname(destination.path)), basename(destination.path)));
    if (way.startsWith('..') || isAbsolute(way)) return;
    throw broken(`${destination.id}: a file of events cannot lie in the gateway’s own folder`);
  }
  if ((destination.certFile === undefined) !== (destination.keyFile === undefined)) {
    throw broken(`${destination.id}: a client certificate takes both certFile and keyFile`);
  }
  if (destination.kind !== 'http') return;
  const url = new URL(destination.url);
  if (url.username !== '' || url.password !== '')
    throw broken(`${destination.id}: the secret goes into the vault, not into the address`);
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    throw broken(`${destination.id}: over a network it takes https`);
  }
}

/** As the file system has it, links followed; as it is written where there is nothing yet. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

function broken(sentence: string, cause?: unknown): CountersignError {
  return new CountersignError('SIEM_CONFIG_BROKEN', `${sentence}.`, { cause });
}

function problem(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue ? `${issue.path.join('.') || 'the whole'}: ${issue.message}` : 'it cannot be understood';
}

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { CountersignError } from '../contract/errors.ts';
import type { Validity } from '../evidence/format/documents.ts';
import type { Revocation } from '../evidence/trust/changes.ts';
import { keysNamedIn } from '../evidence/trust/enrol.ts';
import { addDays } from '../evidence/trust/trust-folder.ts';
import { FormatError } from '../recording/format/primitives.ts';
import { wholeNumber } from './whole-number.ts';

const MAX_FILE = 1024 * 1024;

/** A file's text, at most 1 MiB of it. Throws USAGE. */
export function readText(file: string): string {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch (error) {
    throw new CountersignError('USAGE', `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile() || stat.size > MAX_FILE)
      throw new CountersignError('USAGE', `${file} is no file of at most 1 MiB`);
    return readFileSync(handle, 'utf8');
  } finally {
    closeSync(handle);
  }
}

export function readJson(file: string): unknown {
  try {
    return JSON.parse(readText(file));
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    throw new CountersignError('USAGE', `${file} is not JSON`);
  }
}

const isVkey = (text: string): boolean => /^[^+]+\+[0-9a-f]{8}\+/.test(text);

/** A public key as it is, or the file that holds it. */
export const vkeyArgument = (text: string): string =>
  isVkey(text) ? text : (readText(text).split(/\r?\n/, 1)[0] ?? '');

/** Public keys as they are, files that hold one, or documents of a device's `identity` folder; each once. */
export function deviceKeyArguments(texts: readonly string[]): string[] {
  const keys = texts.flatMap((text) => {
    const key = vkeyArgument(text);
    if (isVkey(key)) return [key];
    try {
      return keysNamedIn(Buffer.from(readText(text)));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new CountersignError('USAGE', `${text} is neither a key nor a document of a device: ${error.message}`);
    }
  });
  return [...new Set(keys)];
}

/** Begins a day before: the offline machine's clock and a witness' may differ, and a beginning only catches mistakes. */
export const validFor = (now: string, days: string): Validity => ({
  from: addDays(now, -1),
  until: addDays(now, wholeNumber(days, '--days', 1, 36_500)),
  revoked: null,
});

export interface RevokeOptions {
  reason: string;
  at?: string;
}

/** @param now also the latest that `--at` may be: what is still to come is an end, not a revocation. */
export function revocation({ reason, at }: RevokeOptions, now: string): Revocation {
  if (at === undefined) return { at: now, reason };
  const time = Date.parse(at);
  if (Number.isNaN(time) || time > Date.parse(now)) {
    throw new CountersignError('USAGE', '--at is a time that has been, such as 2026-03-04 or 2026-03-04T05:06:07Z');
  }
  return { at: new Date(time).toISOString(), reason };
}

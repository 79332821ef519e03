import { CountersignError } from '../../contract/errors.ts';
import type { StoredKind } from '../../contract/stored-credential.ts';

/** A way in that lies in a file which an agent can read, for a protocol that the gateway does not speak yet. */
export interface StoredSecret {
  kind: StoredKind;
  /** From 1. */
  line: number;
  /** Whose it is and where it leads; never a part of the secret. */
  title: string;
  /** The secret's parts, by the names that its file gives them. */
  values: Readonly<Record<string, string>>;
  cuts: readonly Cut[];
}

/** What is taken out of a file's text (one character a byte), and what comes in its place. */
export interface Cut {
  from: number;
  to: number;
  instead: string;
}

export interface StoredFile {
  file: string;
  /** One character a byte, so that what is not touched stays as it is whatever it is encoded in. */
  text: string;
  secrets: StoredSecret[];
  /** What may let somebody in and is not taken out, with why. */
  left: { line: number; why: string }[];
}

export type ReadStored = (file: string, text: string) => Pick<StoredFile, 'secrets' | 'left'>;

const MAX_SECRETS = 1000;

/** The text without these secrets; everything else is as it was. */
export function withoutSecrets(text: string, secrets: readonly StoredSecret[]): string {
  const cuts = secrets.flatMap((one) => one.cuts).sort((a, b) => a.from - b.from);
  let next = '';
  let at = 0;
  for (const { from, to, instead } of cuts) {
    if (from < at || to < from || to > text.length) {
      throw new CountersignError('ADOPT_OVERLAP', 'Two secrets of a file overlap; nothing was changed.');
    }
    next += text.slice(at, from) + instead;
    at = to;
  }
  return next + text.slice(at);
}

/** Bytes as they are read, as text. */
export const decoded = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

export interface Line {
  number: number;
  /** Without its end. */
  text: string;
  from: number;
  /** Where it ends, before its line end. */
  to: number;
  /** Where the next one begins. */
  next: number;
}

export function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  for (let from = 0, number = 1; from < text.length; number += 1) {
    const end = text.indexOf('\n', from);
    const next = end < 0 ? text.length : end + 1;
    let to = end < 0 ? text.length : end;
    if (text[to - 1] === '\r') to -= 1;
    lines.push({ number, text: text.slice(from, to), from, to, next });
    from = next;
  }
  return lines;
}

export const lineAt = (text: string, offset: number): number => {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
};

/** No file of a person has as many; one that has is left alone. */
export function bounded(found: Pick<StoredFile, 'secrets' | 'left'>): Pick<StoredFile, 'secrets' | 'left'> {
  if (found.secrets.length <= MAX_SECRETS) return found;
  return { secrets: [], left: [{ line: 1, why: `it holds more than ${MAX_SECRETS} secrets` }] };
}

import * as fs from 'node:fs';
import { join } from 'node:path';
import { logLines } from '../../recording/log.ts';
import { unitsOf } from './units.ts';

/** A part of a recording that is signed as it is, so nothing can be taken out of it. */
export interface SignedText {
  /** Such as "event 12 (own.objects[0])". */
  where: string;
  text: string;
  /** A number: only the whole of it is a value. */
  whole: boolean;
}

/** Members that hold hashes, keys and random bytes: nothing of what was recorded can be read from them. */
const OPAQUE = new Set(['prev', 'ud', 'key', 'nonce', 'root', 'policyHash', 'fingerprint', 'digest']);
/** Members whose numbers count and place; elsewhere (details of events) a number may be a value. */
const COUNTED = new Set([
  'v',
  'seq',
  't',
  'j',
  'u',
  'x',
  'sum',
  'counts',
  'size',
  'units',
  'at',
  'rows',
  'heldMs',
  'beyond',
  'cut',
  'more',
  'masked',
  'texts',
]);

/** Every text of event lines, run maps and evidence of a session's folder. */
export function* signedTexts(folder: string): Generator<SignedText> {
  for (const logged of logLines(folder)) {
    if (logged === null) continue;
    const place = `event ${logged.line.seq}`;
    for (const { path, ...found } of textsIn(JSON.parse(Buffer.from(logged.bytes).toString('utf8')), ''))
      yield { where: `${place} (${path})`, ...found };
  }
  for (const { unit, role, bytes } of unitsOf(folder)) {
    if (role === 'map' && bytes !== null)
      yield { where: `the map in unit ${unit}`, text: Buffer.from(bytes).toString('utf8'), whole: false };
  }
  yield* evidenceTexts(folder, 'evidence', 0);
}

function* evidenceTexts(folder: string, below: string, depth: number): Generator<SignedText> {
  const path = join(folder, below);
  if (depth > 3 || !fs.existsSync(path)) return;
  for (const entry of fs.readdirSync(path, { withFileTypes: true })) {
    const name = `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* evidenceTexts(folder, name, depth + 1);
    else if (entry.isFile())
      yield { where: name, text: fs.readFileSync(join(folder, name)).toString('utf8'), whole: false };
  }
}

function* textsIn(value: unknown, path: string): Generator<{ path: string; text: string; whole: boolean }> {
  if (typeof value === 'string') yield { path, text: value, whole: false };
  else if (typeof value === 'number') yield { path, text: String(value), whole: true };
  else if (Array.isArray(value)) {
    for (const [i, one] of value.entries()) yield* textsIn(one, `${path}[${i}]`);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, one] of Object.entries(value)) {
      const here = path === '' ? name : `${path}.${plain(name)}`;
      if (path.includes('detail') || (!OPAQUE.has(name) && !COUNTED.has(name))) yield* textsIn(one, here);
      yield { path: `a name in ${path === '' ? 'the event' : path}`, text: name, whole: false };
    }
  }
}

/** Names inside of details come from outside. */
const plain = (name: string): string => (/^[A-Za-z]\w{0,40}$/.test(name) ? name : '(a name)');

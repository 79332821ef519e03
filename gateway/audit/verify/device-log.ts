import * as fs from 'node:fs';
import { isCheckpointOf } from '../../evidence/format/checkpoint.ts';
import type { NoteSignature } from '../../evidence/format/signed-note.ts';
import { parseVkey, type Vkey } from '../../evidence/format/vkey.ts';
import { DeviceKeys, type IdentityNotes } from '../../evidence/trust/device-keys.ts';
import type { Trust } from '../../evidence/trust/verify-trust.ts';
import { equal, toBase64 } from '../../recording/format/bytes.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import type { Books } from '../books.ts';
import { baseName } from '../object-names.ts';
import type { Workspace } from '../workspace.ts';
import { carryBack, type FoundHead, findHeads, headOver } from './checkpoints.ts';
import { coverageCheck, stampCheck, timesCheck, witnessCheck } from './log-checks.ts';
import { type ReadLog, readLog } from './log-reader.ts';
import { LogStory } from './log-story.ts';
import { type AuditCheck, checkOf, plural, sentenceOf } from './report.ts';

/** A device's log as far as it holds. */
export interface VerifiedLog {
  checks: AuditCheck[];
  story: LogStory;
  keys: DeviceKeys;
  /** Heads that are signed by a key that counts and belong to the history that is here, by size. */
  heads: FoundHead[];
  /** Leaves that the newest of them covers: beyond it nothing was signed for. */
  covered: number;
  entries: number;
}

interface Pass {
  read: ReadLog;
  story: LogStory;
  matching: FoundHead[];
  other: FoundHead[];
}

/** Everything that a device's log can be held to: its tree, its heads, its keys and whose they are. */
export async function verifyDeviceLog(
  workspace: Workspace,
  books: Books,
  trust: Trust,
  device: string,
): Promise<VerifiedLog> {
  const { org } = workspace.settings;
  const { heads, problems } = findHeads(workspace, books, trust, org, device);
  const folder = workspace.kept(`${org}/${device}/log`);
  let pass = walk(folder, heads, 'entries');
  if (pass.other.length > 0) {
    const second = walk(folder, heads, 'hashes');
    if (second.matching.length > pass.matching.length) pass = second;
  }
  const { read, story } = pass;
  carryBack(pass.matching);
  const evidenceOf = (index: number) => headOver(pass.matching, index)?.evidence ?? null;
  const keys = await DeviceKeys.read(p, trust, device, identityNotes(workspace, books, org, device, story, evidenceOf));
  const known = knownKeys(story, keys);
  const judged = judgeHeads(pass.matching, story, known, keys, trust, read.size === 0);
  const covered = judged.good.at(-1)?.checkpoint.size ?? 0;
  const checks: AuditCheck[] = [
    identityCheck(story, known, keys, judged.good.at(-1) ?? null),
    checkOf(
      'log',
      [...read.problems, ...problems, ...story.problems, ...missingEntries(read)],
      `The log's ${plural(read.size, 'entry').replace('entrys', 'entries')} were hashed anew.`,
    ),
    checkOf(
      'log heads',
      judged.problems,
      `${plural(judged.good.length, 'head')} of the log are signed by a key of the device that counts.`,
    ),
    historyCheck(pass, read, known, books, `${org}/${device}/`),
    coverageCheck(read, covered),
    witnessCheck(judged.good, trust),
    ...stampCheck(pass.matching),
    timesCheck(story, pass.matching),
  ];
  return { checks, story, keys, heads: judged.good, covered, entries: read.size };
}

function walk(folder: string, heads: readonly FoundHead[], prefer: 'entries' | 'hashes'): Pass {
  const story = new LogStory();
  const roots = new Map<number, Uint8Array>();
  const sizes = new Set(heads.map(({ checkpoint }) => checkpoint.size));
  const read = readLog(
    folder,
    prefer,
    (bytes, index) => story.add(bytes, index),
    (size, root) => {
      if (sizes.has(size)) roots.set(size, root());
    },
  );
  const matches = ({ checkpoint }: FoundHead) => {
    const root = roots.get(checkpoint.size);
    return root !== undefined && equal(root, checkpoint.root);
  };
  // Where there are no tiles (a bundle alone), a head stands for itself.
  const sorted = Map.groupBy(heads, (head) => read.size === 0 || matches(head));
  return { read, story, matching: sorted.get(true) ?? [], other: sorted.get(false) ?? [] };
}

/** Only gaps between what is there: what the newest head covers and is not here is told by `coverage`. */
function missingEntries({ withoutEntries }: ReadLog): string[] {
  return withoutEntries.map(([first, last]) =>
    first === last
      ? `entry ${first} is missing; its hash is there`
      : `entries ${first} to ${last} are missing; their hashes are there`,
  );
}

function identityNotes(
  workspace: Workspace,
  books: Books,
  org: string,
  device: string,
  story: LogStory,
  evidenceOf: (index: number) => string | null,
): IdentityNotes {
  const notes = { enrolments: [], bindings: [], changes: [] } as Record<
    keyof IdentityNotes,
    { bytes: Uint8Array; seen: string | null }[]
  >;
  const below = `${org}/${device}/identity`;
  const folder = workspace.kept(below);
  const names = fs.existsSync(folder) ? fs.readdirSync(folder).sort() : [];
  const kept = names
    .filter((one) => one.endsWith('.note'))
    .map((file) => ({ file, path: `${folder}/${file}`, first: books.firstSeen(`${below}/${file}`) }));
  // Whoever takes a name first keeps nobody's document from counting.
  const others = books
    .byState('changed', `${below}/`)
    .map(({ name, sha256, firstSeen }) => ({
      file: baseName(name),
      path: workspace.changed(name, sha256),
      first: firstSeen,
    }))
    .filter(({ path }) => fs.existsSync(path));
  for (const { file, path, first } of [...kept, ...others]) {
    const bytes = fs.readFileSync(path);
    const index = story.identities.get(toBase64(p.sha256(bytes)));
    const logged = index === undefined ? null : evidenceOf(index);
    const seen = first === null ? null : new Date(first).toISOString();
    const earliest = logged !== null && (seen === null || logged < seen) ? logged : seen;
    const kind = file.endsWith('.oidc.note') ? 'bindings' : file.endsWith('.change.note') ? 'changes' : 'enrolments';
    notes[kind].push({ bytes, seen: earliest });
  }
  return notes;
}

/** The device's keys by text: those that its log names, and those that were enrolled. */
function knownKeys(story: LogStory, keys: DeviceKeys): Vkey[] {
  const texts = new Set([...story.keys.map(({ vkey }) => vkey), ...keys.known()]);
  return [...texts].flatMap((text) => {
    try {
      return [parseVkey(p.sha256, text)];
    } catch (error) {
      if (error instanceof FormatError) return [];
      throw error;
    }
  });
}

function judgeHeads(
  heads: readonly FoundHead[],
  story: LogStory,
  known: readonly Vkey[],
  keys: DeviceKeys,
  trust: Trust,
  bare: boolean,
) {
  const good: FoundHead[] = [];
  const problems: string[] = [];
  if (heads.length === 0) problems.push('there is no head of the log that belongs to what is here');
  for (const head of heads) {
    const { size } = head.checkpoint;
    const stranger = takeStranger(head, known, trust);
    if (stranger !== null)
      problems.push(`the head over ${size} entries carries a signature of ${stranger}, a key that is not known here`);
    const named = story.keys.findLast(({ from }) => from < size)?.vkey;
    const key = known.find((one) => isCheckpointOf(p, head.checkpoint, one));
    if (key === undefined) {
      problems.push(`the head over ${size} entries (${head.where}) is signed by no key of the device`);
      continue;
    }
    const verdict = keys.judge(key, head.evidence);
    const inForce = bare || (named !== undefined && isSame(named, key));
    if (!verdict.ok) problems.push(`the head over ${size} entries: ${verdict.sentence}`);
    else if (!inForce)
      problems.push(`the head over ${size} entries is signed by another key than the log names for then`);
    else good.push(head);
  }
  return { good, problems };
}

/** Nobody signs for this but the device and the witnesses that the trust note names: other signatures are told and let go of. */
function takeStranger({ checkpoint }: FoundHead, known: readonly Vkey[], trust: Trust): string | null {
  const keys = [...known, ...(trust.note?.witnesses ?? []).map(({ vkey }) => parseVkey(p.sha256, vkey))];
  const isKnown = ({ name, hash }: NoteSignature) => keys.some((key) => key.name === name && equal(key.hash, hash));
  const stranger = checkpoint.note.signatures.find((one) => !isKnown(one));
  checkpoint.note.signatures = checkpoint.note.signatures.filter(isKnown);
  return stranger?.name ?? null;
}

function isSame(text: string, key: Vkey): boolean {
  const other = parseVkey(p.sha256, text);
  return other.name === key.name && equal(other.key, key.key);
}

function identityCheck(
  story: LogStory,
  known: readonly Vkey[],
  keys: DeviceKeys,
  newest: FoundHead | null,
): AuditCheck {
  const name = 'enrolment';
  const text = story.keys.at(-1)?.vkey;
  const key = known.find((one) =>
    text === undefined ? newest !== null && isCheckpointOf(p, newest.checkpoint, one) : isSame(text, one),
  );
  if (key === undefined) {
    const why = keys.problems.length > 0 ? `: ${keys.problems.join('; ')}` : '';
    return { name, status: 'failed', sentence: sentenceOf(`no key of this device is enrolled${why}`) };
  }
  const { ok, sentence } = keys.judge(key, newest?.evidence ?? null);
  const more = !ok && keys.problems.length > 0 ? ` (${keys.problems.slice(0, 3).join('; ')})` : '';
  return { name, status: ok ? 'ok' : 'failed', sentence: sentenceOf(`${sentence}${more}`) };
}

/** Heads of this device that cannot all be true, and what a store has lost or changed of its log since. */
function historyCheck(pass: Pass, read: ReadLog, known: readonly Vkey[], books: Books, prefix: string): AuditCheck {
  const problems: string[] = [];
  for (const head of pass.other) {
    const { size } = head.checkpoint;
    const signed = known.some((key) => isCheckpointOf(p, head.checkpoint, key));
    const seen = head.seen === null ? '' : `, seen here first on ${head.seen}`;
    if (size > read.size) {
      problems.push(
        `the log was rolled back, or entries are missing: a head over ${size} entries (${head.where}${seen}) is known, and ${read.size} entries are here`,
      );
    } else if (signed) {
      problems.push(
        `the device signed two histories: its head over ${size} entries (${head.where}${seen}) is not of the log that is here`,
      );
    } else
      problems.push(
        `a head over ${size} entries (${head.where}) does not match the log, and no key of the device signed it`,
      );
  }
  const own = [`${prefix}identity/`, `${prefix}log/`];
  const gone = own.flatMap((below) => books.vanished(below));
  if (gone.length > 0) {
    problems.push(
      `the store has rolled back or lost ${plural(gone.length, 'object')} of the device's log that it had on ${new Date(gone[0]!.firstSeen).toISOString()}, such as ${gone[0]!.name.slice(prefix.length)}`,
    );
  }
  for (const object of own.flatMap((below) => books.byState('changed', below))) {
    problems.push(`${object.name.slice(prefix.length)} was replaced: ${object.detail}`);
  }
  return checkOf(
    'one history',
    problems,
    `All ${plural(pass.matching.length, 'head')} that were ever seen here belong to one history.`,
  );
}

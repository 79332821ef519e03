import type { TrustNote } from '../format/documents.ts';
import { type FlatEntry, flatEntries, shortKey } from './entries.ts';

const day = (time: string): string => time.slice(0, 10);

/** What a note changes in the one before it, a sentence each; the first note against null. */
export function changesInWords(before: TrustNote | null, after: TrustNote): string[] {
  const earlier = new Map(before === null ? [] : flatEntries(before).map((entry) => [entry.id, entry]));
  const words = flatEntries(after).flatMap((entry) => entryInWords(earlier.get(entry.id), entry));
  if (before === null) {
    words.unshift(`makes the organisation ${after.org} with the root ${shortKey(after.root)}`);
  } else if (before.root !== after.root) {
    words.push(
      `changes the root from ${shortKey(before.root)} to ${shortKey(after.root)}: the next note is signed by that`,
    );
  }
  if (after.quorum !== (before?.quorum ?? 0))
    words.push(`asks for ${after.quorum} witnesses instead of ${before?.quorum ?? 0}`);
  for (const what of ['prompts', 'thoughts', 'files'] as const) {
    const was = before?.sync[what] ?? 'sync';
    if (after.sync[what] !== was) words.push(`${what}: ${SYNC[after.sync[what]]} (before: ${SYNC[was]})`);
  }
  words.push(`is good until ${day(after.validUntil)}`);
  return words;
}

const SYNC: Readonly<Record<'sync' | 'local' | 'omit', string>> = {
  sync: 'recorded and synced',
  local: 'recorded, and kept on the device',
  omit: 'not recorded',
};

function entryInWords(before: FlatEntry | undefined, after: FlatEntry): string[] {
  const { label, validity, revoked } = after;
  const words: string[] = [];
  if (before === undefined && validity !== null) {
    words.push(`adds ${label}, from ${day(validity.from)} until ${day(validity.until)}`);
  } else if (before?.validity?.until !== validity?.until && validity !== null) {
    words.push(`${label} ends on ${day(validity.until)} instead of ${day(before?.validity?.until ?? '')}`);
  }
  if (revoked !== null && before?.revoked?.at !== revoked.at) {
    words.push(`revokes ${label}: what it signed counts no more from ${revoked.at} on (${revoked.reason})`);
  }
  return words;
}

/** The whole state for a person, an entry a line. */
export function stateInWords(note: TrustNote, now: string): string[] {
  const state = ({ validity, revoked }: FlatEntry): string => {
    if (revoked !== null) return `revoked on ${revoked.at} (${revoked.reason})`;
    if (validity === null) return 'in force';
    if (validity.until <= now) return `ended on ${day(validity.until)}`;
    return validity.from > now ? `from ${day(validity.from)}` : `until ${day(validity.until)}`;
  };
  return [
    `${note.org}, trust note ${note.n} of ${note.issuedAt}, good until ${day(note.validUntil)}`,
    `root ${note.root}`,
    ...flatEntries(note).map((entry) => `${entry.label}: ${state(entry)}`),
    `witnesses asked for: ${note.quorum}`,
    ...(['prompts', 'thoughts', 'files'] as const).map((what) => `${what}: ${SYNC[note.sync[what]]}`),
  ];
}

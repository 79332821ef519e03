import { cosignedAt, type SignedNote } from '../format/signed-note.ts';
import { COSIGNATURE } from '../format/vkey.ts';
import { keyOf, shortKey } from './entries.ts';
import { validBySaying } from './validity.ts';
import { type Checks, noteAt, type Trust } from './verify-trust.ts';

export interface Witnessed {
  /** Witnesses whose cosignature counts, with the time they give, RFC 3339, earliest first. */
  by: { name: string; at: string }[];
  /** As many as the trust note of that time asks for. */
  enough: boolean;
  /** The earliest evidence that the checkpoint existed: a witness' time or `seen`. */
  earliest: string | null;
  problems: string[];
}

/**
 * What the witnesses of the trust note say of a checkpoint. A witness' time is its own word: once its key is
 * revoked, it needs evidence of somebody else from before that.
 *
 * @param note the checkpoint with all cosignatures that were found for it.
 * @param seen other evidence (a TSA's token, the auditor's first sight), RFC 3339, or null.
 */
export function witnessedBy(p: Checks, trust: Trust, note: SignedNote, seen: string | null): Witnessed {
  const by: Witnessed['by'] = [];
  const problems: string[] = [];
  let evidence = seen;
  const witnesses = trust.note?.witnesses ?? [];
  // Those that were not revoked first: what they saw is evidence for the others.
  for (const entry of witnesses.toSorted((a, b) => Number(a.revoked !== null) - Number(b.revoked !== null))) {
    const vkey = keyOf(p.sha256, entry.vkey, '', COSIGNATURE);
    const seconds = vkey === null ? null : cosignedAt(p, note, vkey);
    if (vkey === null || seconds === null) continue;
    const name = shortKey(entry.vkey);
    if (seconds === 'wrong') {
      problems.push(`there is a cosignature in the name of ${name} that is not its own`);
      continue;
    }
    const at = new Date(Math.min(seconds, LATEST) * 1000).toISOString();
    const counts = validBySaying(entry, at, evidence, trust.now);
    if (counts.ok) {
      by.push({ name, at });
      evidence = earlier(evidence, at);
    } else problems.push(`the cosignature of ${name} does not count: ${counts.why}`);
  }
  by.sort((a, b) => a.at.localeCompare(b.at));
  const quorum = noteAt(trust, evidence ?? trust.now)?.quorum ?? 0;
  return { by, enough: by.length >= quorum, earliest: evidence, problems };
}

/** Seconds of the last day that RFC 3339 can name. */
const LATEST = 253_402_300_799;

const earlier = (a: string | null, b: string | null) =>
  a === null || (b !== null && Date.parse(b) < Date.parse(a)) ? b : a;

import type { Validity } from '../format/documents.ts';

export type Check = { ok: true } | { ok: false; why: string };

/**
 * Whether a key counts for something that existed at `when`: the earliest time at which somebody else than its
 * maker had seen it (a witness, a TSA, the auditor), or null when nobody had before `now`.
 *
 * @param when RFC 3339. @param now RFC 3339, the verifier's clock.
 */
export function validAt(entry: Validity, when: string | null, now: string): Check {
  const seen = when === null ? 'there is no evidence from before today' : `the earliest evidence is of ${when}`;
  const time = Date.parse(when ?? now);
  if (entry.revoked !== null && time >= Date.parse(entry.revoked.at)) {
    return { ok: false, why: `it was revoked on ${entry.revoked.at} (${entry.revoked.reason}), and ${seen}` };
  }
  if (time >= Date.parse(entry.until)) return { ok: false, why: `it ended on ${entry.until}, and ${seen}` };
  if (time < Date.parse(entry.from)) return { ok: false, why: `it counts from ${entry.from} only, and ${seen}` };
  return Number.isNaN(time) ? { ok: false, why: 'the time given is none' } : { ok: true };
}

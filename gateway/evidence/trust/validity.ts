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

const EVER = { from: '0001-01-01T00:00:00.000Z', until: '9999-12-31T23:59:59.999Z' };

/**
 * The same for something whose time the entry's own key gives (a witness, an identity provider): that time is
 * taken for its beginning and end, but once it is revoked somebody else must have seen it before.
 *
 * @param said the time that the signed thing gives.
 */
export function validBySaying(entry: Validity, said: string, when: string | null, now: string): Check {
  const inTime = validAt({ ...entry, revoked: null }, said, now);
  return inTime.ok && entry.revoked !== null ? validAt({ ...EVER, revoked: entry.revoked }, when, now) : inTime;
}

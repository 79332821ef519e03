import { createHash } from 'node:crypto';
import { Connection } from '../contract/connection.ts';
import { EmergencySettings } from '../contract/emergency.ts';
import { isCountersignError } from '../contract/errors.ts';
import { RoleGroups } from '../contract/roles.ts';
import type { AdminLock, TrustNote } from '../evidence/format/documents.ts';
import { parseDocument } from '../evidence/format/signed-document.ts';
import { isSignedBy } from '../evidence/format/signed-note.ts';
import { keyOf } from '../evidence/trust/entries.ts';
import { validAt } from '../evidence/trust/validity.ts';
import type { Checks } from '../evidence/trust/verify-trust.ts';
import { FormatError } from '../recording/format/primitives.ts';

export interface AdministrationSet {
  n: number;
  /** SHA-256 of the note, base64. */
  hash: string;
  /** Name of the key that signed. */
  by: string;
  issuedAt: string;
  validUntil: string;
  policy: string | null;
  connections: readonly Connection[];
  roles: RoleGroups | null;
  emergency: EmergencySettings | null;
  locked: readonly AdminLock[];
}

export type Judgement =
  | { ok: true; set: AdministrationSet }
  /** `n` as it says of itself, 0 where it cannot be read. */
  | { ok: false; n: number; hash: string; why: string };

export interface JudgeContext {
  trust: TrustNote | null;
  /** The newest that was taken up: an older one is refused, and another of the same number. */
  newest: { n: number; hash: string } | null;
  /** RFC 3339. */
  now: string;
}

/** What a note is worth as the organisation's settings. Never throws. */
export function judgeSet(p: Checks, bytes: Uint8Array, { trust, newest, now }: JudgeContext): Judgement {
  const hash = createHash('sha256').update(bytes).digest('base64');
  let n = 0;
  const refused = (why: string): Judgement => ({ ok: false, n, hash, why });
  try {
    const { value, note } = parseDocument('administration', bytes);
    n = value.n;
    if (trust === null)
      return refused('this device belongs to no organisation yet, so nobody may sign settings for it');
    if (value.org !== trust.org) return refused(`it is of ${value.org}, and this device is of ${trust.org}`);
    const signers = (trust.admins ?? []).flatMap((entry) => {
      const key = keyOf(p.sha256, entry.vkey, 'countersign/admin/');
      return key !== null && isSignedBy(p, note, key) ? [{ entry, key }] : [];
    });
    if (signers.length === 0) return refused('no admin of the trust note has signed it');
    const signer = signers.find(({ entry }) => validAt(entry, now, now).ok);
    if (signer === undefined) return refused(`the key ${signers[0]!.key.name} that signed it counts no more`);
    if (newest !== null && n < newest.n) return refused(`it is older than set ${newest.n}, which was taken up before`);
    if (newest !== null && n === newest.n && hash !== newest.hash) return refused(`there is another set ${n} already`);
    if (newest?.hash !== hash && value.validUntil <= now) return refused(`it ended on ${value.validUntil}`);
    const { issuedAt, validUntil, policy, locked } = value;
    const connections = value.connections.map((one) => Object.freeze(Connection.parse(one)));
    if (new Set(connections.map(({ id }) => id)).size < connections.length) return refused('it has a connection twice');
    return {
      ok: true,
      set: {
        n,
        hash,
        by: signer.key.name,
        issuedAt,
        validUntil,
        policy,
        connections,
        roles: value.roles === null ? null : RoleGroups.parse(value.roles),
        emergency: value.emergency === null ? null : EmergencySettings.parse(value.emergency),
        locked,
      },
    };
  } catch (error) {
    if (error instanceof FormatError || isCountersignError(error)) return refused(error.message);
    return refused('what it says of connections, roles or emergency access is not valid here');
  }
}

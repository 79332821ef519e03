import { CountersignError } from '../../contract/errors.ts';
import type { IssuerEntry, IssuerKey, TrustNote, Validity } from '../format/documents.ts';
import { keyMaterial, shortKey } from './entries.ts';
import { addDays } from './trust-folder.ts';

/** Lists of a trust note of which a person revokes one by naming it. */
export type RevocableList =
  | 'authorities'
  | 'witnesses'
  | 'tsas'
  | 'auditors'
  | 'issuers'
  | 'passkeys'
  | 'approvers'
  | 'admins'
  | 'policies';
type EntryOf<L extends RevocableList> = NonNullable<TrustNote[L]>[number];
export type Revocation = NonNullable<Validity['revoked']>;

/** What a person may call an entry by. */
const NAMES: { [L in RevocableList]: (entry: EntryOf<L>) => (string | null)[] } = {
  authorities: ({ vkey }) => keyNames(vkey),
  witnesses: ({ vkey }) => keyNames(vkey),
  tsas: ({ name }) => [name],
  auditors: ({ name, recipient, vkey }) => [name, recipient, vkey],
  issuers: ({ issuer }) => [issuer],
  passkeys: ({ credentialId, person }) => [credentialId, person],
  admins: ({ vkey }) => keyNames(vkey),
  approvers: ({ person, vkey }) => [person, ...keyNames(vkey)],
  policies: ({ hash }) => [hash],
};

/** All of it, `name+hash`, the name, and the name without what all of its kind begin with. */
const keyNames = (vkey: string): string[] => {
  const short = shortKey(vkey);
  const name = short.split('+')[0]!;
  return [vkey, short, name, name.replace(/^countersign\/(authority|approver|admin)\//, '')];
};

/** The one that is called so and is not revoked. Throws TRUST_NONE or TRUST_SEVERAL. */
export function findEntry<L extends RevocableList>(note: TrustNote, list: L, called: string): EntryOf<L> {
  const entries = (note[list] ?? []) as EntryOf<L>[];
  const found = entries.filter((entry) => entry.revoked === null && NAMES[list](entry).includes(called));
  return one(found, called);
}

function one<T>(found: readonly T[], called: string): T {
  const [only, more] = found;
  if (only === undefined) {
    throw new CountersignError('TRUST_NONE', `the trust note has none called ${called} that is not revoked yet`);
  }
  if (more !== undefined) {
    throw new CountersignError(
      'TRUST_SEVERAL',
      `${found.length} are called ${called}; give the whole key (trust show)`,
    );
  }
  return only;
}

/** The issuer’s newest entry. Throws TRUST_NONE or TRUST_SEVERAL. */
export const findIssuer = (note: TrustNote, issuer: string, audience: string | undefined): IssuerEntry =>
  one(
    note.issuers.filter(
      (entry) =>
        entry.revoked === null && entry.issuer === issuer && (audience === undefined || entry.audience === audience),
    ),
    issuer,
  );

/**
 * Pins the keys that the issuer signs with by its JWKS: those that are new begin, those that are gone from it end.
 * What an ended one signed before stays good.
 *
 * @param jwks parsed JSON of the issuer's `jwks_uri`. Throws TRUST_JWKS.
 */
export function rotateIssuerKeys(entry: IssuerEntry, jwks: unknown, now: string): { added: number; ended: number } {
  const keys = signingKeysOf(jwks, { from: addDays(now, -1), until: entry.until, revoked: null });
  const listed = new Set(keys.map(keyMaterial));
  const known = new Set(entry.keys.map(keyMaterial));
  let ended = 0;
  for (const key of entry.keys) {
    if (listed.has(keyMaterial(key)) || key.until <= now) continue;
    key.until = now;
    ended += 1;
  }
  const added = keys.filter((key) => !known.has(keyMaterial(key)));
  entry.keys.push(...added);
  return { added: added.length, ended };
}

/** The public members of the keys that sign. Throws TRUST_JWKS. */
export function signingKeysOf(jwks: unknown, validity: Validity): IssuerKey[] {
  const list: unknown = (jwks as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(list)) throw new CountersignError('TRUST_JWKS', 'this is not a JWKS: it has no list "keys"');
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  const keys = list.flatMap((jwk: Record<string, unknown> | null): IssuerKey[] => {
    if (jwk === null || typeof jwk !== 'object') return [];
    // Keys for encryption and shared secrets are in a JWKS too; neither says who signed.
    if ((jwk.use !== undefined && jwk.use !== 'sig') || !['RSA', 'EC', 'OKP'].includes(String(jwk.kty))) return [];
    const members = { kid: jwk.kid, alg: jwk.alg, crv: jwk.crv, n: jwk.n, e: jwk.e, x: jwk.x, y: jwk.y };
    const own = Object.fromEntries(Object.entries(members).filter(([, value]) => text(value) !== undefined));
    return [{ ...validity, kty: jwk.kty as IssuerKey['kty'], ...own }];
  });
  if (keys.length === 0) throw new CountersignError('TRUST_JWKS', 'this JWKS has no key that signs (RSA, EC or OKP)');
  return keys;
}

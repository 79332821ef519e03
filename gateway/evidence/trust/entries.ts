import type { Sha256 } from '../../recording/format/merkle.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import type { IssuerKey, TrustNote, Validity } from '../format/documents.ts';
import { COSIGNATURE, ED25519, type KeyType, parseVkey, type Vkey } from '../format/vkey.ts';

/** Anything in a trust note that begins, ends and can be revoked, with nested ones beside their owners. */
export interface FlatEntry {
  /** The same in every note for the same thing. */
  id: string;
  /** For a person. */
  label: string;
  validity: Validity | null;
  revoked: Validity['revoked'];
  /** What may never change while `id` stays, as JSON. */
  fixed: string;
}

/** `name+hash`, which tells keys apart for a person. */
export const shortKey = (vkey: string): string => vkey.split('+').slice(0, 2).join('+');

/** The members that are the key itself (RFC 7638), so that no other `kid` makes it another key. */
export const keyMaterial = ({ kty, crv, n, e, x, y }: IssuerKey): string => JSON.stringify([kty, crv, n, e, x, y]);

const flat = (id: string, label: string, validity: Validity, fixed: unknown = null): FlatEntry => ({
  id,
  label,
  validity,
  revoked: validity.revoked,
  fixed: JSON.stringify(fixed),
});

export function flatEntries(note: TrustNote): FlatEntry[] {
  return [
    ...note.authorities.map((e) => flat(`authority ${e.vkey}`, `authority ${shortKey(e.vkey)}`, e)),
    ...note.witnesses.map((e) => flat(`witness ${e.vkey}`, `witness ${shortKey(e.vkey)}`, e)),
    ...note.tsas.map((e) => flat(`tsa ${e.certificate}`, `time stamping authority ${e.name} at ${e.url}`, e)),
    ...note.auditors.map((e) =>
      flat(
        `auditor ${e.role} ${e.recipient} ${e.vkey}`,
        `${e.role} ${e.name} (${e.recipient.slice(0, 16)}…)`,
        e,
        e.name,
      ),
    ),
    ...note.issuers.flatMap((e) => {
      const own = `issuer ${e.issuer} ${e.audience}`;
      const of = `of ${e.issuer} (${e.audience})`;
      return [
        flat(own, `identity provider ${e.issuer} for ${e.audience}`, e),
        ...e.keys.map((key) =>
          flat(`${own} key ${keyMaterial(key)}`, `signing key ${key.kid ?? key.kty} ${of}`, key, [key.kid, key.alg]),
        ),
        ...e.rules.map((rule) =>
          flat(`${own} rule ${rule.claim}=${rule.value}`, `rule "${rule.claim} is ${rule.value}" ${of}`, rule),
        ),
      ];
    }),
    ...note.passkeys.map((e) =>
      flat(`passkey ${e.credentialId}`, `passkey of ${e.person} (${e.credentialId.slice(0, 12)}…)`, e, [
        e.person,
        e.publicKey,
        e.algorithm,
        e.rpId,
      ]),
    ),
    ...(note.admins ?? []).map((e) => flat(`admin ${e.vkey}`, `admin ${shortKey(e.vkey)}`, e)),
    ...(note.approvers ?? []).map((e) =>
      flat(
        `approver ${e.vkey} ${e.recipient} ${JSON.stringify([e.person, e.groups])}`,
        `approver ${e.person} of ${e.groups.join(', ')} (${shortKey(e.vkey)})`,
        e,
      ),
    ),
    ...note.policies.map((e) => flat(`policy ${e.hash}`, `policy set ${e.hash.slice(0, 16)}`, e)),
    ...note.devices.map((e) => ({
      id: `device ${e.vkey}`,
      label: `device key ${shortKey(e.vkey)}`,
      validity: null,
      revoked: e.revoked,
      fixed: JSON.stringify(e.device),
    })),
  ];
}

/** Null when it is not a key of that name and type: then nothing is signed by it. */
export function keyOf(sha256: Sha256, text: string, prefix: string, type: KeyType = ED25519): Vkey | null {
  try {
    const vkey = parseVkey(sha256, text);
    return vkey.type === type && vkey.name.startsWith(prefix) ? vkey : null;
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

/** What is wrong with a note that follows the schema, as sentences. */
export function faultsOf(sha256: Sha256, note: TrustNote): string[] {
  const faults: string[] = [];
  const key = (text: string, prefix: string, what: string, type?: KeyType) => {
    if (keyOf(sha256, text, prefix, type) === null) faults.push(`${what} ${shortKey(text)} is not a key of that kind`);
  };
  key(note.root, `countersign/org/${note.org}`, 'the root');
  for (const { vkey } of note.authorities) key(vkey, 'countersign/authority/', 'the authority');
  for (const { vkey } of note.witnesses) key(vkey, '', 'the witness', COSIGNATURE);
  for (const { vkey } of note.auditors) if (vkey !== null) key(vkey, 'countersign/auditor/', 'the auditor');
  for (const { vkey } of note.admins ?? []) key(vkey, 'countersign/admin/', 'the admin');
  for (const { vkey } of note.approvers ?? []) key(vkey, 'countersign/approver/', 'the approver');
  for (const [vkey, entries] of Map.groupBy(note.approvers ?? [], (one) => one.vkey)) {
    const people = [...new Set(entries.map(({ person }) => person))];
    if (people.length > 1) faults.push(`the key ${shortKey(vkey)} is given to ${people.join(' and ')}`);
  }
  for (const { device, vkey } of note.devices) key(vkey, `countersign/device/${device}`, 'the device key');
  const seen = new Set<string>();
  for (const { id, label, validity } of flatEntries(note)) {
    if (seen.has(id)) faults.push(`${label} stands in it twice`);
    seen.add(id);
    if (validity !== null && validity.until <= validity.from) faults.push(`${label} ends before it begins`);
  }
  if (note.validUntil <= note.issuedAt) faults.push('it ends before it begins');
  if (note.quorum > note.witnesses.length) faults.push('it asks for more witnesses than it names');
  return faults;
}

/** What a note does to the one before it that no note may do, as sentences. */
export function breaksOf(before: TrustNote, after: TrustNote): string[] {
  const later = new Map(flatEntries(after).map((entry) => [entry.id, entry]));
  const breaks = flatEntries(before).flatMap((entry) => {
    const found = later.get(entry.id);
    if (found === undefined) return [`takes out ${entry.label}, whose signatures could not be judged any more`];
    if (entry.revoked !== null && (found.revoked === null || found.revoked.at > entry.revoked.at)) {
      return [`takes back that ${entry.label} was revoked on ${entry.revoked.at}`];
    }
    if (found.fixed !== entry.fixed) return [`changes what ${entry.label} is`];
    return found.validity?.from === entry.validity?.from ? [] : [`moves the beginning of ${entry.label}`];
  });
  if (after.issuedAt < before.issuedAt) breaks.push(`is dated ${after.issuedAt}, before the one that it follows`);
  return breaks;
}

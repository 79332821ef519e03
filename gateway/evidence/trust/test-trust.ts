import { toBase64 } from '../../recording/format/bytes.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import type { TrustNote, Validity } from '../format/documents.ts';
import { signDocument } from '../format/signed-document.ts';
import { testSigner } from '../format/test-keys.ts';
import { formatVkey, type Signer } from '../format/vkey.ts';

/** Months of 2026 stand for time: the organisation begins in January, and the verifier's clock is in December. */
export const month = (n: number): string => `2026-${String(n).padStart(2, '0')}-01T00:00:00.000Z`;
export const NOW = '2026-12-15T00:00:00.000Z';
export const root = testSigner('countersign/org/acme');
export const rootVkey = formatVkey(root.vkey);
export const vkeyOf = (signer: Signer): string => formatVkey(signer.vkey);

export const always = (changes: Partial<Validity> = {}): Validity => ({
  from: month(1),
  until: '2028-01-01T00:00:00.000Z',
  revoked: null,
  ...changes,
});
export const revokedIn = (n: number): Validity => always({ revoked: { at: month(n), reason: 'stolen' } });

export const firstNote = (changes: Partial<TrustNote> = {}): TrustNote => ({
  v: 1,
  org: 'acme',
  n: 1,
  prev: '',
  issuedAt: month(1),
  validUntil: '2027-01-01T00:00:00.000Z',
  root: rootVkey,
  authorities: [],
  witnesses: [],
  quorum: 0,
  tsas: [],
  auditors: [],
  issuers: [],
  passkeys: [],
  devices: [],
  policies: [],
  sync: { prompts: 'sync', thoughts: 'sync', files: 'sync' },
  ...changes,
});

export const signedNote = (note: TrustNote, signer: Signer = root): Uint8Array => signDocument('trust', note, [signer]);

/** Notes 1, 2, …: each with what is given changed in the one before it, a month later, signed by the root of that time. */
export function chainOf(changes: readonly Partial<TrustNote>[], signers: readonly Signer[] = []): Uint8Array[] {
  const notes: Uint8Array[] = [];
  let note = firstNote();
  for (const [index, change] of changes.entries()) {
    const last = notes.at(-1);
    const prev = last === undefined ? '' : toBase64(p.sha256(last));
    note = { ...note, n: index + 1, prev, issuedAt: month(index + 1), ...change };
    notes.push(signedNote(note, signers[index] ?? root));
  }
  return notes;
}

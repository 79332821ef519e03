import { isCountersignError } from '../contract/errors.ts';
import { deviceOrigin } from '../evidence/format/checkpoint.ts';
import type { ApprovalRequest, ApproverNotice } from '../evidence/format/mailbox-documents.ts';
import { parseDocument } from '../evidence/format/signed-document.ts';
import { isSignedBy } from '../evidence/format/signed-note.ts';
import { parseVkey } from '../evidence/format/vkey.ts';
import { DeviceKeys, type IdentityNotes } from '../evidence/trust/device-keys.ts';
import type { Trust } from '../evidence/trust/verify-trust.ts';
import { FormatError } from '../recording/format/primitives.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { decryptPart } from '../sync/age.ts';

/** Clocks of two machines may differ by so much. */
export const SKEW_MS = 5 * 60_000;
/** Nothing is asked for longer (approvals.ts). */
export const MAX_LIFE_MS = 24 * 60 * 60 * 1000;

type Kind = 'approval-request' | 'approver-notice';
type Letter<K extends Kind> = K extends 'approval-request' ? ApprovalRequest : ApproverNotice;
export type Opened<T> = { ok: true; value: T } | { ok: false; why: string };

/** null: it is to others. Never throws: what comes out of a store is anything at all. */
export async function unseal(bytes: Uint8Array, identity: string): Promise<Opened<Uint8Array> | null> {
  try {
    return { ok: true, value: await decryptPart(bytes, [identity]) };
  } catch (error) {
    if (isCountersignError(error, 'SYNC_NOT_FOR_US')) return null;
    return { ok: false, why: 'it does not decrypt: it was damaged, or is none' };
  }
}

/**
 * Whether a letter was signed by a device of the organisation, and is of now.
 *
 * @param expected what its name in the store says of it.
 */
export async function openLetter<K extends Kind>(
  kind: K,
  bytes: Uint8Array,
  trust: Trust,
  expected: { device: string; nonce: string; end: number },
  now: number,
): Promise<Opened<Letter<K>>> {
  const no = (why: string): Opened<Letter<K>> => ({ ok: false, why });
  try {
    const { value: parsed, note } = parseDocument(kind, bytes);
    const value = parsed as Letter<K>;
    const vkey = parseVkey(p.sha256, value.vkey);
    if (vkey.name !== deviceOrigin(value.device) || !isSignedBy(p, note, vkey))
      return no(`it is not signed by the device ${value.device}, which it names`);
    if (value.org !== trust.note?.org) return no(`it is of the organisation ${value.org}`);
    const nonce = 'nonce' in value ? value.nonce : value.id;
    const [issued, end] = [Date.parse(value.issuedAt), Date.parse(value.expiresAt)];
    if (value.device !== expected.device || nonce !== expected.nonce || end !== expected.end)
      return no('it lies under the name of another one');
    const keys = await DeviceKeys.read(p, trust, value.device, identityOf(value));
    const verdict = keys.judge(vkey, null);
    if (!verdict.ok) return no(verdict.sentence);
    if (issued > now + SKEW_MS)
      return no(`it is of ${value.issuedAt}, which is still to come: one of the two clocks is wrong`);
    if (end > issued + MAX_LIFE_MS || end <= issued) return no('it wants to wait for longer than anything may');
    return end + SKEW_MS <= now ? no(`it ended at ${value.expiresAt}`) : { ok: true, value };
  } catch (error) {
    if (error instanceof FormatError) return no(`it cannot be read: ${error.message}`);
    throw error;
  }
}

function identityOf({ identity }: Pick<ApprovalRequest, 'identity'>): IdentityNotes {
  const of = (wanted: (name: string) => boolean) =>
    identity
      .filter(([name]) => wanted(name))
      .map(([, base64]) => ({ bytes: Buffer.from(base64, 'base64'), seen: null }));
  const isBinding = (name: string) => name.endsWith('.oidc.note');
  const isChange = (name: string) => name.endsWith('.change.note');
  return {
    enrolments: of((name) => !isBinding(name) && !isChange(name)),
    bindings: of(isBinding),
    changes: of(isChange),
  };
}

import { isSamePerson } from '../../contract/approvers.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import type { ApproverEntry, TrustNote } from '../format/documents.ts';
import type { ApprovalDecision } from '../format/mailbox-documents.ts';
import { parseDocument } from '../format/signed-document.ts';
import { isSignedBy } from '../format/signed-note.ts';
import { keyOf, shortKey } from './entries.ts';
import { validAt } from './validity.ts';
import type { Checks } from './verify-trust.ts';

/** Those that count at a time; see `validAt`. */
export const approversAt = (note: TrustNote | null, when: string | null, now: string): ApproverEntry[] =>
  (note?.approvers ?? []).filter((entry) => validAt(entry, when, now).ok);

export type ApproverVerdict = { ok: true; decision: ApprovalDecision; groups: string[] } | { ok: false; why: string };

/**
 * Whether a decision was signed by the key of an approver whom the trust note names, and who that is.
 *
 * @param when the earliest evidence that it existed, RFC 3339; null: none from before `now`.
 */
export function judgeDecision(
  p: Checks,
  note: TrustNote,
  bytes: Uint8Array,
  when: string | null,
  now: string,
): ApproverVerdict {
  let document: ReturnType<typeof parseDocument<'approval-decision'>>;
  try {
    document = parseDocument('approval-decision', bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { ok: false, why: `it cannot be read: ${error.message}` };
  }
  const { value } = document;
  if (value.org !== note.org) return { ok: false, why: `it is of the organisation ${value.org}` };
  const vkey = keyOf(p.sha256, value.vkey, 'countersign/approver/');
  if (vkey === null || !isSignedBy(p, document.note, vkey))
    return { ok: false, why: `it is not signed by the key that it names, ${shortKey(value.vkey)}` };
  const entries = (note.approvers ?? []).filter((entry) => entry.vkey === value.vkey);
  if (entries.length === 0)
    return { ok: false, why: `the trust note names no approver with the key ${shortKey(value.vkey)}` };
  const own = entries.filter(({ person }) => isSamePerson(person, value.person));
  if (own.length === 0) return { ok: false, why: `its key is not ${value.person}’s but ${entries[0]!.person}’s` };
  const valid = own.filter((entry) => validAt(entry, when, now).ok);
  if (valid.length === 0) {
    const check = validAt(own.at(-1)!, when, now);
    return { ok: false, why: `the key of ${value.person} does not count for it: ${check.ok ? '' : check.why}` };
  }
  return { ok: true, decision: value, groups: [...new Set(valid.flatMap(({ groups }) => groups))] };
}

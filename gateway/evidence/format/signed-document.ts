import type { z } from 'zod';
import { FormatError } from '../../recording/format/primitives.ts';
import { Administration, Binding, Enrolment, EnrolmentRequest, KeyChange, TrustNote } from './documents.ts';
import { ApprovalDecision, ApprovalRequest, ApproverNotice } from './mailbox-documents.ts';
import { parseNote, type SignedNote, signNote } from './signed-note.ts';
import type { Signer } from './vkey.ts';

/** Kinds of signed documents, SPEC.md; the kind's line in the text is `countersign/<kind>/<subject>`. */
const schemas = {
  trust: TrustNote,
  administration: Administration,
  enrolment: Enrolment,
  'enrolment-request': EnrolmentRequest,
  binding: Binding,
  'key-change': KeyChange,
  'approval-request': ApprovalRequest,
  'approval-decision': ApprovalDecision,
  'approver-notice': ApproverNotice,
} as const;

export type DocumentKind = keyof typeof schemas;
export type DocumentOf<K extends DocumentKind> = z.infer<(typeof schemas)[K]>;

export interface SignedDocument<K extends DocumentKind> {
  value: DocumentOf<K>;
  /** With the signatures, of which none was verified. */
  note: SignedNote;
}

const kindLine = (kind: DocumentKind, value: { org: string } | { device: string }): string =>
  `countersign/${kind}/${'org' in value ? value.org : value.device}`;

/** One line as JSON.stringify writes it: another form of the same value would be signed by nobody. */
export function signDocument<K extends DocumentKind>(
  kind: K,
  value: DocumentOf<K>,
  signers: readonly Signer[],
): Uint8Array {
  const parsed = parseValue(kind, value);
  return signNote(`${kindLine(kind, parsed)}\n${JSON.stringify(parsed)}\n`, signers);
}

/** Throws FormatError. Does not verify. */
export function parseDocument<K extends DocumentKind>(kind: K, bytes: Uint8Array): SignedDocument<K> {
  const note = parseNote(bytes);
  const [line, json, end, more] = note.text.split('\n');
  if (line === undefined || json === undefined || end !== '' || more !== undefined) {
    throw new FormatError('a signed document is two lines, its kind and its content');
  }
  if (!line.startsWith(`countersign/${kind}/`)) {
    throw new FormatError(`a signed document is of another kind than countersign/${kind}`);
  }
  let raw: unknown;
  let again: string;
  try {
    raw = JSON.parse(json);
    // It recurses, which JSON.parse does not: what is nested too deeply ends here.
    again = JSON.stringify(raw);
  } catch {
    throw new FormatError('the content of a signed document is not JSON');
  }
  if (again !== json) {
    throw new FormatError('the content of a signed document is not in the one form that counts (JSON.stringify’s)');
  }
  const value = parseValue(kind, raw);
  if (kindLine(kind, value) !== line)
    throw new FormatError('a signed document names another subject than its kind does');
  return { value, note };
}

function parseValue<K extends DocumentKind>(kind: K, raw: unknown): DocumentOf<K> {
  const { success, data, error } = schemas[kind].safeParse(raw);
  if (success) return data as DocumentOf<K>;
  const issue = error.issues[0];
  const where = issue?.path.join('.') ?? '';
  throw new FormatError(`a ${kind} document has a wrong value${where === '' ? '' : ` at ${where}`}: ${issue?.message}`);
}

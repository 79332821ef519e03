import { fromBase64, utf8 } from '../../recording/format/bytes.ts';
import { type Head, headText } from '../../recording/format/note.ts';
import { FormatError, type Primitives } from '../../recording/format/primitives.ts';
import { formatNote, isSignedBy, type NoteSignature, parseNote, type SignedNote, signNote } from './signed-note.ts';
import type { Signer, Vkey } from './vkey.ts';

/** A C2SP tlog-checkpoint without extension lines, with any number of signatures. */
export interface SignedCheckpoint extends Head {
  note: SignedNote;
}

/** Origin and key name of a device's log. */
export const deviceOrigin = (device: string): string => `countersign/device/${device}`;

const textOf = (head: Head): string => new TextDecoder().decode(headText(head));

/** The signer's name is the origin. */
export function signCheckpoint(head: Head, signer: Signer): Uint8Array {
  if (signer.vkey.name !== head.origin) throw new FormatError('a checkpoint is signed by a key of the log’s own name');
  return signNote(textOf(head), [signer]);
}

/** Throws FormatError. Does not verify. */
export function parseCheckpoint(bytes: Uint8Array): SignedCheckpoint {
  const note = parseNote(bytes);
  const match = /^([^\n]{1,500})\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(note.text);
  const root = match === null ? null : fromBase64(match[3]!);
  if (match === null || root === null || !Number.isSafeInteger(Number(match[2]))) {
    throw new FormatError('a checkpoint is not origin, size and root on a line each');
  }
  return { origin: match[1]!, size: Number(match[2]), root, note };
}

/** Whether the log of this key's name made it. */
export const isCheckpointOf = (p: Pick<Primitives, 'verify'>, checkpoint: SignedCheckpoint, vkey: Vkey): boolean =>
  checkpoint.origin === vkey.name && isSignedBy(p, checkpoint.note, vkey);

/** The same checkpoint with signatures more, as a witness gives them. */
export const withSignatures = (checkpoint: SignedCheckpoint, more: readonly NoteSignature[]): Uint8Array =>
  formatNote({ text: checkpoint.note.text, signatures: [...checkpoint.note.signatures, ...more] });

/** What an RFC 3161 token is over: SHA-256 of these bytes. */
export const checkpointBytes = (checkpoint: SignedCheckpoint): Uint8Array => utf8(checkpoint.note.text);

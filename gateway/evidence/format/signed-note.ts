import { concat, equal, fromBase64, fromUtf8, toBase64, utf8 } from '../../recording/format/bytes.ts';
import { FormatError, type Primitives } from '../../recording/format/primitives.ts';
import { COSIGNATURE, ED25519, isKeyName, type Signer, type Vkey } from './vkey.ts';

/** C2SP signed-note and, for witnesses, tlog-cosignature. */
export interface NoteSignature {
  name: string;
  /** 4 bytes. */
  hash: Uint8Array;
  /** What follows the hash: 64 bytes of an Ed25519 key, 8 of time before them of a witness, anything of keys unknown here. */
  bytes: Uint8Array;
}

export interface SignedNote {
  /** What was signed, with its last newline. */
  text: string;
  signatures: NoteSignature[];
}

export const MAX_NOTE_BYTES = 1024 * 1024;
const MAX_SIGNATURES = 128;
const DASH = '—';

/** Throws FormatError. Does not verify. */
export function parseNote(bytes: Uint8Array): SignedNote {
  if (bytes.length > MAX_NOTE_BYTES) throw new FormatError('a note is longer than 1 MiB');
  let whole: string;
  try {
    whole = fromUtf8(bytes);
  } catch {
    throw new FormatError('a note is not UTF-8');
  }
  const end = whole.lastIndexOf('\n\n');
  if (end < 0 || !whole.endsWith('\n')) throw new FormatError('a note does not end with signatures');
  const text = whole.slice(0, end + 1);
  assertText(text);
  const lines = whole.slice(end + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw new FormatError(`a note has more than ${MAX_SIGNATURES} signatures`);
  return { text, signatures: lines.map(parseSignature) };
}

function assertText(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (!text.endsWith('\n') || text.length < 2 || /[\u0000-\u0009\u000b-\u001f]/.test(text) || !text.isWellFormed()) {
    throw new FormatError('the text of a note has control characters or no newline at its end');
  }
}

/** One line without its newline: `— <name> <base64 of hash ‖ signature>`. Throws FormatError. */
export function parseSignature(line: string): NoteSignature {
  const [dash, name, base64, more] = line.split(' ');
  const bytes = base64 === undefined ? null : fromBase64(base64);
  if (
    dash !== DASH ||
    name === undefined ||
    !isKeyName(name) ||
    bytes === null ||
    bytes.length < 5 ||
    more !== undefined
  ) {
    throw new FormatError('a note has a signature line that does not have the form "— name base64"');
  }
  return { name, hash: bytes.slice(0, 4), bytes: bytes.slice(4) };
}

export const formatSignature = (signature: NoteSignature): string =>
  `${DASH} ${signature.name} ${toBase64(concat(signature.hash, signature.bytes))}`;

export function formatNote(note: SignedNote): Uint8Array {
  assertText(note.text);
  if (note.signatures.length === 0) throw new FormatError('a note has at least one signature');
  const bytes = utf8(`${note.text}\n${note.signatures.map((signature) => `${formatSignature(signature)}\n`).join('')}`);
  if (bytes.length > MAX_NOTE_BYTES) throw new FormatError('a note is longer than 1 MiB');
  return bytes;
}

/** @param text with its last newline. Signers are of type Ed25519; witnesses use `cosign`. */
export function signNote(text: string, signers: readonly Signer[]): Uint8Array {
  const bytes = utf8(text);
  return formatNote({
    text,
    signatures: signers.map(({ vkey, sign }) => ({ name: vkey.name, hash: vkey.hash, bytes: sign(bytes) })),
  });
}

const signaturesOf = (note: SignedNote, vkey: Vkey) =>
  note.signatures.filter(({ name, hash }) => name === vkey.name && equal(hash, vkey.hash));

type Verify = Pick<Primitives, 'verify'>;

/** Whether there is a signature of this key, and none of it that is wrong. Signatures of other keys say nothing. */
export function isSignedBy(p: Verify, note: SignedNote, vkey: Vkey): boolean {
  if (vkey.type !== ED25519) return false;
  const own = signaturesOf(note, vkey);
  const text = utf8(note.text);
  return own.length > 0 && own.every(({ bytes }) => bytes.length === 64 && p.verify(vkey.key, text, bytes));
}

const cosignedMessage = (text: string, seconds: bigint) => utf8(`cosignature/v1\ntime ${seconds}\n${text}`);

/** @param seconds since the epoch: the witness' clock. @param signer of type cosignature. */
export function cosign(text: string, signer: Signer, seconds: number): NoteSignature {
  if (signer.vkey.type !== COSIGNATURE) throw new FormatError('a witness signs with a key of type cosignature/v1');
  const bytes = new Uint8Array(72);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(seconds));
  bytes.set(signer.sign(cosignedMessage(text, BigInt(seconds))), 8);
  return { name: signer.vkey.name, hash: signer.vkey.hash, bytes };
}

/**
 * When this witness saw what the note says, in seconds since the epoch: the earliest of its cosignatures.
 * `null`: it did not sign. `'wrong'`: there is a signature in its name that is not its own.
 */
export function cosignedAt(p: Verify, note: SignedNote, vkey: Vkey): number | 'wrong' | null {
  if (vkey.type !== COSIGNATURE) return null;
  let earliest: number | null = null;
  for (const { bytes } of signaturesOf(note, vkey)) {
    if (bytes.length !== 72) return 'wrong';
    const seconds = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
    if (seconds > BigInt(Number.MAX_SAFE_INTEGER)) return 'wrong';
    if (!p.verify(vkey.key, cosignedMessage(note.text, seconds), bytes.subarray(8))) return 'wrong';
    earliest = Math.min(earliest ?? Number(seconds), Number(seconds));
  }
  return earliest;
}

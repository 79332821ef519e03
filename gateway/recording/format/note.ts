import { concat, equal, fromBase64, fromUtf8, toBase64, utf8 } from './bytes.ts';
import { FormatError, type Primitives, type Sign } from './primitives.ts';

/** A signed head: C2SP tlog-checkpoint in a C2SP signed-note, with exactly one Ed25519 signature. */
export interface Head {
  origin: string;
  size: number;
  root: Uint8Array;
}

export interface SignedHead extends Head {
  /** What was signed: the note's text with its last newline. */
  text: Uint8Array;
  keyName: string;
  keyHash: Uint8Array;
  signature: Uint8Array;
}

const ED25519 = 0x01;
export const MAX_NOTE_BYTES = 1024;

export const originOf = (sessionId: string): string => `countersign/session/${sessionId}`;

/** First four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key), C2SP signed-note. */
export function keyHash(sha256: Primitives['sha256'], name: string, publicKey: Uint8Array): Uint8Array {
  return sha256(concat(utf8(name), Uint8Array.of(0x0a, ED25519), publicKey)).slice(0, 4);
}

export function headText(head: Head): Uint8Array {
  return utf8(`${head.origin}\n${head.size}\n${toBase64(head.root)}\n`);
}

/** The key's name is the origin. */
export function signHead(head: Head, hash: Uint8Array, sign: Sign): Uint8Array {
  const text = headText(head);
  return concat(text, utf8(`\n— ${head.origin} ${toBase64(concat(hash, sign(text)))}\n`));
}

/** Parses one note; throws FormatError. Does not verify. */
export function parseHead(note: Uint8Array): SignedHead {
  if (note.length > MAX_NOTE_BYTES) throw new FormatError('a head is longer than 1,024 bytes');
  let text: string;
  try {
    text = fromUtf8(note);
  } catch {
    throw new FormatError('a head is not UTF-8');
  }
  const match = /^([^\n+ ]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n\n— ([^\n+ ]+) ([A-Za-z0-9+/=]+)\n$/.exec(
    text,
  );
  if (match === null) throw new FormatError('a head does not have the form of a checkpoint with one signature');
  const [, origin, size, rootText, keyName, signatureText] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const root = fromBase64(rootText);
  const signature = fromBase64(signatureText);
  if (root === null || signature === null || signature.length !== 68 || !Number.isSafeInteger(Number(size))) {
    throw new FormatError('a head holds a value that is not in canonical form');
  }
  const head: Head = { origin, size: Number(size), root };
  return { ...head, text: headText(head), keyName, keyHash: signature.slice(0, 4), signature: signature.slice(4) };
}

export function verifyHead(p: Primitives, head: SignedHead, publicKey: Uint8Array): boolean {
  return (
    head.keyName === head.origin &&
    equal(head.keyHash, keyHash(p.sha256, head.keyName, publicKey)) &&
    p.verify(publicKey, head.text, head.signature)
  );
}

/**
 * A heads file is notes, each followed by an empty line. Gives the notes in order, and how many bytes
 * of the file complete notes take: what comes after is a torn tail.
 */
export function splitHeads(file: Uint8Array): { notes: Uint8Array[]; complete: number } {
  const notes: Uint8Array[] = [];
  let start = 0;
  let newlines = 0;
  for (let i = 0; i < file.length; i += 1) {
    if (file[i] !== 0x0a) continue;
    newlines += 1;
    if (newlines === 6) {
      if (file[i - 1] !== 0x0a) break;
      notes.push(file.subarray(start, i));
      start = i + 1;
      newlines = 0;
    }
  }
  return { notes, complete: start };
}

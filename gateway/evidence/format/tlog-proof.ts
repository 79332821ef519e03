import { fromBase64, fromUtf8, toBase64, utf8 } from '../../recording/format/bytes.ts';
import { leafHash, type Sha256, verifyInclusion } from '../../recording/format/merkle.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { parseCheckpoint, type SignedCheckpoint } from './checkpoint.ts';

/** C2SP tlog-proof: an entry is in the log of a checkpoint. Extra data is not used here. */
export interface TlogProof {
  index: number;
  /** From the leaf's sibling up. */
  path: Uint8Array[];
  checkpoint: SignedCheckpoint;
}

const MAX_BYTES = 1024 * 1024 + 8192;
const MAX_PATH = 60;
const FIRST = 'c2sp.org/tlog-proof@v1';

/** @param checkpoint the whole signed note. */
export function formatProof(index: number, path: readonly Uint8Array[], checkpoint: Uint8Array): Uint8Array {
  const hashes = path.map((hash) => `${toBase64(hash)}\n`).join('');
  return utf8(`${FIRST}\nindex ${index}\n${hashes}\n${fromUtf8(checkpoint)}`);
}

/** Throws FormatError. Verifies nothing. */
export function parseProof(bytes: Uint8Array): TlogProof {
  if (bytes.length > MAX_BYTES) throw new FormatError('a proof is longer than a checkpoint and its path');
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch {
    throw new FormatError('a proof is not UTF-8');
  }
  const end = text.indexOf('\n\n');
  const [first, index, ...hashes] = text.slice(0, Math.max(0, end)).split('\n');
  const number = /^index (0|[1-9]\d{0,14})$/.exec(index ?? '')?.[1];
  if (first !== FIRST || number === undefined || hashes.length > MAX_PATH) {
    throw new FormatError('a proof does not have the form of a C2SP tlog-proof');
  }
  const path = hashes.map((hash) => {
    const decoded = fromBase64(hash);
    if (decoded?.length !== 32) throw new FormatError('a proof holds something else than hashes');
    return decoded;
  });
  return { index: Number(number), path, checkpoint: parseCheckpoint(utf8(text.slice(end + 2))) };
}

/** Whether the entry is in the tree of the proof's checkpoint, whose signature is another question. */
export function isProofOf(sha256: Sha256, proof: TlogProof, entry: Uint8Array): boolean {
  const { index, path, checkpoint } = proof;
  return verifyInclusion(sha256, leafHash(sha256, entry), index, checkpoint.size, path, checkpoint.root);
}

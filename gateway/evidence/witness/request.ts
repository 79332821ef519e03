import { fromBase64, fromUtf8, toBase64, utf8 } from '../../recording/format/bytes.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { parseCheckpoint, type SignedCheckpoint } from '../format/checkpoint.ts';

/** Body of C2SP tlog-witness `add-checkpoint`. */
export interface AddCheckpoint {
  /** Size of the checkpoint that the proof begins with. */
  old: number;
  proof: Uint8Array[];
  checkpoint: SignedCheckpoint;
}

export const MAX_PROOF = 63;
/** 63 hashes, and a checkpoint with more signatures than any has. */
export const MAX_REQUEST_BYTES = 64 * 1024;

export const formatAddCheckpoint = (old: number, proof: readonly Uint8Array[], note: Uint8Array): Uint8Array =>
  Buffer.concat([utf8(`old ${old}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n`), note]);

/** Throws FormatError. Verifies nothing. */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint {
  if (body.length > MAX_REQUEST_BYTES) throw new FormatError('a request is longer than 64 KiB');
  let text: string;
  try {
    text = fromUtf8(body);
  } catch {
    throw new FormatError('a request is not UTF-8');
  }
  const end = text.indexOf('\n\n');
  const [first, ...lines] = text.slice(0, Math.max(0, end)).split('\n');
  const match = /^old (0|[1-9][0-9]{0,15})$/.exec(first ?? '');
  if (match === null || !Number.isSafeInteger(Number(match[1]))) {
    throw new FormatError('a request does not begin with "old" and a size');
  }
  if (lines.length > MAX_PROOF) throw new FormatError(`a proof has more than ${MAX_PROOF} hashes`);
  const proof = lines.map((line) => {
    const hash = fromBase64(line);
    if (hash?.length !== 32) throw new FormatError('a proof has a line that is no hash in base64');
    return hash;
  });
  return { old: Number(match[1]), proof, checkpoint: parseCheckpoint(utf8(text.slice(end + 2))) };
}

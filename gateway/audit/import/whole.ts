import { parseCheckpoint } from '../../evidence/format/checkpoint.ts';
import { parseNote } from '../../evidence/format/signed-note.ts';
import { parseEntryBundle, parseHashTile } from '../../evidence/format/tiles.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import type { ObjectKind } from '../object-names.ts';

/** Why these bytes are not a whole object of their kind: torn on their way, or damaged since. null: they are. */
export function notWhole(kind: ObjectKind, bytes: Uint8Array): string | null {
  try {
    if (kind.kind === 'tile') {
      if (kind.level === 'entries') parseEntryBundle(bytes, kind.width);
      else parseHashTile(bytes, kind.width);
    } else if (kind.kind === 'checkpoint') {
      if (kind.by !== 'tsa') parseCheckpoint(bytes);
      else if (derLength(bytes) !== bytes.length) return 'a time stamp is longer or shorter than it says';
    } else if (kind.kind !== 'part') parseNote(bytes);
    return null;
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}

/** Of a DER value with its header; of anything else a length that nothing has. */
function derLength(bytes: Uint8Array): number {
  const first = bytes[1] ?? 0x80;
  if (first < 0x80) return 2 + first;
  const octets = first & 0x7f;
  if (octets < 1 || octets > 4 || bytes.length < 2 + octets) return -1;
  return bytes.subarray(2, 2 + octets).reduce((sum, byte) => sum * 256 + byte, 0) + 2 + octets;
}

/** One change of a text: `length` bytes at byte offset `at` become `insert`. */
export interface Edit {
  at: number;
  length: number;
  insert: string;
}

/** A statement as the server gets it, and how its places lie in what the client sent. */
export interface Rewritten {
  text: string;
  /** Place in the client's text, of one in the server's: both in characters, from 1. */
  position(at: number): number;
}

/** @param edits that do not touch each other, in any order; equal ones count once. */
export function rewrite(sql: Buffer, edits: readonly Edit[]): Rewritten {
  const ordered = edits
    .filter((edit, i) => edits.findIndex((other) => other.at === edit.at && other.insert === edit.insert) === i)
    .sort((a, b) => a.at - b.at);
  const pieces: Buffer[] = [];
  let from = 0;
  for (const { at, length, insert } of ordered) {
    pieces.push(sql.subarray(from, at), Buffer.from(insert));
    from = at + length;
  }
  pieces.push(sql.subarray(from));
  const whole = Buffer.concat(pieces);
  const text = whole.toString('utf8');
  return {
    text,
    position(at) {
      const bytes = Buffer.byteLength(
        Array.from(text)
          .slice(0, Math.max(0, at - 1))
          .join(''),
      );
      return Array.from(sql.toString('utf8', 0, before(ordered, bytes))).length + 1;
    },
  };
}

/** Byte offset in the text before the edits, of one after them; within what was put in, its beginning. */
function before(edits: readonly Edit[], offset: number): number {
  let shift = 0;
  for (const { at, length, insert } of edits) {
    const start = at + shift;
    if (offset < start) break;
    const added = Buffer.byteLength(insert);
    if (offset < start + added) return at;
    shift += added - length;
  }
  return offset - shift;
}

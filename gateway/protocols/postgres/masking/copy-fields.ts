import { allocate, copyBytes } from './byte-writer.ts';
import { type CopyPlan, maskAt } from './plan.ts';
import type { ValueMasker } from './value-masker.ts';

/** Delimiters next to which no detector decides differently: several fields may be looked at as one. */
const NEUTRAL = '\t,;|';

/** Rows of COPY in which nothing is escaped or quoted: what their bytes are is what their values are. */
export interface PlainRows {
  /**
   * Masks the row bytes[start, end), whose fields end at `last`.
   * @returns `undefined` when nothing changed; null where its fields have to be looked at one by one.
   */
  mask(bytes: Uint8Array, start: number, last: number, end: number): Uint8Array | undefined | null;
}

/** @param encoded a value as it stands in a row, escaped or quoted as the format wants. */
export function createPlainRows(
  delimiterText: string,
  nullText: Uint8Array,
  plan: CopyPlan,
  values: ValueMasker,
  encoded: (value: Uint8Array) => Uint8Array,
): PlainRows {
  const neutral = NEUTRAL.includes(delimiterText);
  const delimiter = delimiterText.charCodeAt(0);
  const lastTagged =
    plan.beyond !== null ? Number.POSITIVE_INFINITY : plan.masks.findLastIndex((mask) => mask !== null);
  /** Position, start and end of each tagged field of the present row; then start and end of those that change. */
  const tagged: number[] = [];
  const replacements: Uint8Array[] = [];

  return {
    mask(bytes, start, last, end) {
      if (!neutral) return null;
      // Nothing is masked or counted before it is known that the rest of the row is clean.
      let count = 0;
      let clean = start;
      let at = start;
      for (let position = 0; position <= lastTagged; position += 1) {
        let stop = at;
        while (stop < last && bytes[stop] !== delimiter) stop += 1;
        if (maskAt(plan, position) !== null) {
          if (at > clean && values.finds(bytes, clean, at)) return null;
          tagged[count] = position;
          tagged[count + 1] = at;
          tagged[count + 2] = stop;
          count += 3;
          clean = stop;
        }
        if (stop === last) break;
        at = stop + 1;
      }
      if (values.finds(bytes, clean, end)) return null;
      let length = end - start;
      let changed = 0;
      for (let i = 0; i < count; i += 3) {
        const from = tagged[i + 1]!;
        const to = tagged[i + 2]!;
        if (equals(bytes, from, to, nullText)) continue;
        values.column = tagged[i]!;
        const next = values.copied(maskAt(plan, tagged[i]!), bytes, from, to);
        if (next === undefined) continue;
        const replacement = next === null ? nullText : encoded(next);
        length += replacement.length - (to - from);
        replacements[changed] = replacement;
        tagged[2 * changed] = from;
        tagged[2 * changed + 1] = to;
        changed += 1;
      }
      if (changed === 0) return undefined;
      const out = allocate(length);
      let kept = start;
      let written = 0;
      for (let i = 0; i < changed; i += 1) {
        const from = tagged[2 * i]!;
        const replacement = replacements[i]!;
        copyBytes(bytes, kept, from, out, written);
        written += from - kept;
        copyBytes(replacement, 0, replacement.length, out, written);
        written += replacement.length;
        kept = tagged[2 * i + 1]!;
      }
      copyBytes(bytes, kept, end, out, written);
      return out;
    },
  };
}

export function equals(bytes: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  if (end - start !== other.length) return false;
  for (let i = 0; i < other.length; i += 1) if (bytes[start + i] !== other[i]) return false;
  return true;
}

/** Finds any of many values in bytes, in the disguises that SQL gives easily. */
export class Leaks {
  readonly #byStart = new Map<string, { form: string; value: string }[]>();
  readonly #numbers: RegExp | null;

  /**
   * @param values texts of at least MIN characters.
   * @param numbers whole numbers of five digits and more, found where they stand alone.
   */
  constructor(values: Iterable<string>, numbers: readonly string[]) {
    for (const value of new Set(values)) {
      const bytes = Buffer.from(value);
      for (const form of new Set([
        value,
        value.toUpperCase(),
        [...value].reverse().join(''),
        value.replaceAll(/[^\p{L}\d]/gu, ''),
        bytes.toString('hex'),
        bytes.toString('hex').toUpperCase(),
        bytes.toString('base64').replace(/=+$/, '').slice(0, -1),
        [...value].join(','),
        bytes.toString('utf16le'),
      ])) {
        if (form.length < MIN) continue;
        const start = form.slice(0, MIN);
        const known = this.#byStart.get(start);
        if (known === undefined) this.#byStart.set(start, [{ form, value }]);
        else known.push({ form, value });
      }
    }
    this.#numbers =
      numbers.length === 0 ? null : new RegExp(`(?<![\\d.])(?:${[...new Set(numbers)].join('|')})(?![\\d])`, 'g');
  }

  /** @returns what was found, at most ten. */
  in(bytes: Buffer): string[] {
    const found = new Set<string>();
    const text = bytes.toString('latin1');
    for (let i = 0; i + MIN <= text.length && found.size < 10; i += 1) {
      for (const { form, value } of this.#byStart.get(text.slice(i, i + MIN)) ?? [])
        if (text.startsWith(form, i)) found.add(value);
    }
    for (const [number] of this.#numbers === null ? [] : text.matchAll(this.#numbers)) found.add(number);
    return [...found].slice(0, 10);
  }
}

const MIN = 8;

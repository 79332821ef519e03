/**
 * The forms in which a value may stand in recorded bytes: as text, escaped as SQL, COPY, JSON and URLs
 * escape, as hexadecimal or base64 of it, in other character sets, and as a binary number or UUID.
 */
export function needlesOf(value: string): Buffer[] {
  const utf8 = Buffer.from(value);
  const json = jsonEscaped(value);
  const inner = [
    value,
    json,
    json.replaceAll('/', '\\/'),
    asciiOnly(json, false),
    asciiOnly(json, true),
    sqlUnicode(value),
  ];
  const texts = inner.flatMap((form) => outerForms(form));
  return distinct([
    ...[...new Set([...texts, encodeURIComponent(value.toWellFormed())])].map((form) => Buffer.from(form)),
    ...encoded(utf8),
    ...otherCharsets(value),
    ...binary(value),
  ]);
}

/** A text as it is, and as SQL's quotes, E'', COPY's text and CSV, and JSON hold it, by itself or as JSON in one of them. */
function outerForms(form: string): string[] {
  const backslashed = form.replaceAll('\\', '\\\\');
  return [
    form,
    form.replaceAll("'", "''"),
    form.replaceAll('"', '""'),
    backslashed,
    backslashed.replaceAll("'", "''"),
    backslashed.replaceAll("'", "\\'"),
    copyEscaped(form),
    jsonEscaped(form),
  ];
}

const jsonEscaped = (text: string): string => JSON.stringify(text).slice(1, -1);

/** Shorter ones stand in lengths and counters by chance, and everywhere. */
export const SHORTEST_VALUE = 3;

function distinct(forms: readonly Buffer[]): Buffer[] {
  const seen = new Set<string>();
  return forms.filter((form) => {
    const key = form.toString('latin1');
    if (form.length < SHORTEST_VALUE || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** https://www.postgresql.org/docs/current/sql-copy.html, "Text Format" */
const COPY_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};
const copyEscaped = (value: string): string => Array.from(value, (char) => COPY_ESCAPES[char] ?? char).join('');

function asciiOnly(json: string, upper: boolean): string {
  return json.replaceAll(/[^\x20-\x7e]/g, (char) => {
    const hex = char.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${upper ? hex.toUpperCase() : hex}`;
  });
}

/** U&'…' */
const sqlUnicode = (value: string): string =>
  value
    .replaceAll("'", "''")
    .replaceAll(/[^\x20-\x7e]/g, (char) => `\\${char.charCodeAt(0).toString(16).padStart(4, '0')}`);

function encoded(utf8: Buffer): Buffer[] {
  const hex = utf8.toString('hex');
  const out = [Buffer.from(hex), Buffer.from(hex.toUpperCase())];
  // Base64 of a longer text that holds it: by where it begins, without the characters that its neighbours share.
  for (const shift of [0, 1, 2]) {
    const whole = Buffer.concat([Buffer.alloc(shift), utf8]);
    const from = Math.ceil((shift * 4) / 3);
    const to = Math.floor((whole.length * 4) / 3);
    if (to - from < 6) continue;
    const base64 = whole.toString('base64').slice(from, to);
    out.push(Buffer.from(base64), Buffer.from(base64.replaceAll('+', '-').replaceAll('/', '_')));
  }
  // bytea_output = escape
  const escaped = Array.from(utf8, (byte) =>
    byte === 0x5c
      ? '\\\\'
      : byte < 0x20 || byte > 0x7e
        ? `\\${byte.toString(8).padStart(3, '0')}`
        : String.fromCharCode(byte),
  ).join('');
  out.push(Buffer.from(escaped));
  return out;
}

function otherCharsets(value: string): Buffer[] {
  const utf16 = Buffer.from(value, 'utf16le');
  const out = [utf16, Buffer.from(utf16).swap16()];
  if (/^[\0-\u00ff]*$/.test(value)) out.push(Buffer.from(value, 'latin1'));
  return out;
}

const INTEGER = /^-?\d{1,19}$/;
const UUID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/** As binary results and parameters hold it. Numbers of two bytes and of other types: decoded values tell (choose.ts). */
function binary(value: string): Buffer[] {
  const out: Buffer[] = [];
  if (INTEGER.test(value)) {
    const number = BigInt(value);
    if (BigInt.asIntN(32, number) === number) {
      const int4 = Buffer.alloc(4);
      int4.writeInt32BE(Number(number));
      // Small ones are every length and counter.
      if (Math.abs(Number(number)) > 0xffff) out.push(int4);
    }
    if (BigInt.asIntN(64, number) === number) {
      const int8 = Buffer.alloc(8);
      int8.writeBigInt64BE(number);
      if (Math.abs(Number(number)) > 0xffff) out.push(int8);
    }
  }
  if (UUID.test(value)) {
    const digits = value.replaceAll('-', '');
    out.push(Buffer.from(digits, 'hex'), Buffer.from(digits.toLowerCase()), Buffer.from(digits.toUpperCase()));
  }
  return out;
}

/**
 * Finds needles in a stream that comes unit by unit, also where one begins in a unit and ends in a later
 * one. Holds no more than the longest needle.
 */
export class StreamMatcher {
  readonly #needles: readonly Buffer[];
  readonly #keep: number;
  #tail: Buffer = Buffer.alloc(0);
  /** Which unit each part of the tail is of, by where it ends. */
  #owners: { unit: number; end: number }[] = [];

  constructor(needles: readonly Buffer[]) {
    this.#needles = needles;
    this.#keep = Math.max(0, ...needles.map((needle) => needle.length)) - 1;
  }

  /** @param found called for every unit that holds a part of a needle; may come more than once. */
  feed(unit: number, bytes: Uint8Array, found: (unit: number) => void): void {
    const before = this.#tail.length;
    const window =
      before === 0 ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) : Buffer.concat([this.#tail, bytes]);
    this.#owners.push({ unit, end: window.length });
    for (const needle of this.#needles) {
      let at = window.indexOf(needle, Math.max(0, before - needle.length + 1));
      while (at !== -1) {
        this.#mark(at, at + needle.length, found);
        // Wholly within this unit: more of them say nothing new.
        if (at >= before) break;
        at = window.indexOf(needle, at + 1);
      }
    }
    const cut = Math.max(0, window.length - this.#keep);
    this.#tail = Buffer.from(window.subarray(cut));
    this.#owners = this.#owners
      .filter(({ end }) => end > cut)
      .map(({ unit: of, end }) => ({ unit: of, end: end - cut }));
  }

  #mark(from: number, to: number, found: (unit: number) => void): void {
    let start = 0;
    for (const { unit, end } of this.#owners) {
      if (start < to && end > from) found(unit);
      start = end;
    }
  }
}

/** True when any needle stands in a text, as it is or in one of its own forms. */
export function holds(needles: readonly Buffer[], text: string): boolean {
  const bytes = Buffer.from(text);
  return needles.some((needle) => bytes.includes(needle));
}

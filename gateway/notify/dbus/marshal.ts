import { CountersignError } from '../../contract/errors.ts';

/** A value of D-Bus; a struct and a dict entry are lists, a variant carries its own signature. */
export type DBusValue = boolean | number | bigint | string | DBusVariant | readonly DBusValue[];
export interface DBusVariant {
  signature: string;
  value: DBusValue;
}

/** The specification's own limits are 32 for arrays and 32 for structs. */
const MAX_DEPTH = 32;

const malformed = (what: string) => new CountersignError('DBUS_MALFORMED', `the message bus sent ${what}`);

/** "Marshaling (Wire Format)" of the specification: everything lies at a multiple of its type's size. */
const ALIGNMENT: Readonly<Record<string, number>> = {
  y: 1,
  g: 1,
  v: 1,
  n: 2,
  q: 2,
  b: 4,
  i: 4,
  u: 4,
  s: 4,
  o: 4,
  a: 4,
  h: 4,
  x: 8,
  t: 8,
  d: 8,
  '(': 8,
  '{': 8,
};

/** Where the first complete type of a signature ends. Throws DBUS_MALFORMED. */
function endOfType(signature: string, start: number, depth = 0): number {
  if (depth > MAX_DEPTH) throw malformed('types nested too deep');
  const type = signature[start];
  if (type === undefined) throw malformed(`the signature "${signature}"`);
  if (type === 'a') return endOfType(signature, start + 1, depth + 1);
  if (type === '(' || type === '{') {
    const close = type === '(' ? ')' : '}';
    let end = start + 1;
    while (signature[end] !== close) end = endOfType(signature, end, depth + 1);
    return end + 1;
  }
  if (ALIGNMENT[type] === undefined) throw malformed(`the signature "${signature}"`);
  return start + 1;
}

/** The complete types of a signature, one after the other. */
function typesOf(signature: string): string[] {
  const types: string[] = [];
  for (let start = 0; start < signature.length; ) {
    const end = endOfType(signature, start);
    types.push(signature.slice(start, end));
    start = end;
  }
  return types;
}

const alignmentOf = (type: string) => ALIGNMENT[type[0] as string] as number;

/** Little-endian. What is written is this program's own, so a value of another type than its signature is a bug. */
export class MarshalWriter {
  readonly #parts: Buffer[] = [];
  #length = 0;

  writeAll(signature: string, values: readonly DBusValue[]): void {
    const types = typesOf(signature);
    if (types.length !== values.length) throw new TypeError(`${values.length} values for "${signature}"`);
    for (const [i, type] of types.entries()) this.#write(type, values[i] as DBusValue);
  }

  align(to: number): void {
    const missing = (to - (this.#length % to)) % to;
    if (missing > 0) this.#put(Buffer.alloc(missing));
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #put(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  #number(size: number, set: (bytes: Buffer) => void): void {
    const bytes = Buffer.alloc(size);
    set(bytes);
    this.#put(bytes);
  }

  #write(type: string, value: DBusValue): void {
    this.align(alignmentOf(type));
    switch (type[0]) {
      case 'y':
        this.#number(1, (bytes) => bytes.writeUInt8(Number(value)));
        break;
      case 'b':
        this.#number(4, (bytes) => bytes.writeUInt32LE(value === true ? 1 : 0));
        break;
      case 'i':
        this.#number(4, (bytes) => bytes.writeInt32LE(Number(value)));
        break;
      case 'u':
        this.#number(4, (bytes) => bytes.writeUInt32LE(Number(value)));
        break;
      case 's':
      case 'o': {
        const text = Buffer.from(String(value), 'utf8');
        this.#number(4, (bytes) => bytes.writeUInt32LE(text.length));
        this.#put(Buffer.concat([text, Buffer.alloc(1)]));
        break;
      }
      case 'g': {
        const text = Buffer.from(String(value), 'latin1');
        this.#put(Buffer.concat([Buffer.from([text.length]), text, Buffer.alloc(1)]));
        break;
      }
      case 'v': {
        const variant = value as DBusVariant;
        this.#write('g', variant.signature);
        this.writeAll(variant.signature, [variant.value]);
        break;
      }
      case 'a':
        this.#writeArray(type.slice(1), value as readonly DBusValue[]);
        break;
      case '(':
      case '{':
        this.writeAll(type.slice(1, -1), value as readonly DBusValue[]);
        break;
      default:
        throw new TypeError(`nothing here sends a "${type}"`);
    }
  }

  #writeArray(type: string, values: readonly DBusValue[]): void {
    const length = Buffer.alloc(4);
    this.#put(length);
    // The length leaves out the padding before the first element, which is there even without one.
    this.align(alignmentOf(type));
    const start = this.#length;
    for (const value of values) this.#write(type, value);
    length.writeUInt32LE(this.#length - start);
  }
}

/** Reads what came from the bus. Every method throws DBUS_MALFORMED at what is not well-formed. */
export class MarshalReader {
  readonly #bytes: Buffer;
  readonly #little: boolean;
  #at = 0;

  constructor(bytes: Buffer, little: boolean) {
    this.#bytes = bytes;
    this.#little = little;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  align(to: number): void {
    this.#take((to - (this.#at % to)) % to);
  }

  readAll(signature: string, depth = 0): DBusValue[] {
    return typesOf(signature).map((type) => this.#read(type, depth));
  }

  #take(length: number): Buffer {
    if (length > this.left) throw malformed('a message that ends too early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #uint32(): number {
    const bytes = this.#take(4);
    return this.#little ? bytes.readUInt32LE() : bytes.readUInt32BE();
  }

  #text(length: number, encoding: 'utf8' | 'latin1'): string {
    const text = this.#take(length).toString(encoding);
    if (this.#take(1)[0] !== 0) throw malformed('a text without an end');
    return text;
  }

  #read(type: string, depth: number): DBusValue {
    // Variants can hold variants, which no signature shows beforehand.
    if (depth > MAX_DEPTH) throw malformed('values nested too deep');
    this.align(alignmentOf(type));
    const little = this.#little;
    switch (type[0]) {
      case 'y':
        return this.#take(1)[0] as number;
      case 'b':
        return this.#uint32() === 1;
      case 'n':
        return little ? this.#take(2).readInt16LE() : this.#take(2).readInt16BE();
      case 'q':
        return little ? this.#take(2).readUInt16LE() : this.#take(2).readUInt16BE();
      case 'i':
        return this.#uint32() | 0;
      case 'u':
      case 'h':
        return this.#uint32();
      case 'x':
        return little ? this.#take(8).readBigInt64LE() : this.#take(8).readBigInt64BE();
      case 't':
        return little ? this.#take(8).readBigUInt64LE() : this.#take(8).readBigUInt64BE();
      case 'd':
        return little ? this.#take(8).readDoubleLE() : this.#take(8).readDoubleBE();
      case 's':
      case 'o':
        return this.#text(this.#uint32(), 'utf8');
      case 'g':
        return this.#text(this.#take(1)[0] as number, 'latin1');
      case 'v':
        return this.#readVariant(depth);
      case 'a':
        return this.#readArray(type.slice(1), depth);
      default:
        return this.readAll(type.slice(1, -1), depth + 1);
    }
  }

  #readVariant(depth: number): DBusVariant {
    const signature = this.#text(this.#take(1)[0] as number, 'latin1');
    const [value, ...more] = this.readAll(signature, depth + 1);
    if (value === undefined || more.length > 0) throw malformed('a variant that is not one value');
    return { signature, value };
  }

  #readArray(type: string, depth: number): DBusValue[] {
    const length = this.#uint32();
    this.align(alignmentOf(type));
    if (length > this.left) throw malformed('a message that ends too early');
    const end = this.#at + length;
    const values: DBusValue[] = [];
    while (this.#at < end) {
      const before = this.#at;
      values.push(this.#read(type, depth + 1));
      // An element of no bytes, such as an empty struct, would never reach the end.
      if (this.#at === before) throw malformed('an array of nothing');
    }
    if (this.#at !== end) throw malformed('an array of another length than it says');
    return values;
  }
}

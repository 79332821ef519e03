import { createHmac } from 'node:crypto';

/**
 * Bytes that depend on a key and a value alone: HMAC-SHA-256 in counter mode over
 * `purpose NUL value`, so equal values give equal bytes and nobody without the key can try values.
 */
export class KeyedBytes {
  private readonly first: Uint8Array;
  private readonly key: Uint8Array;
  private block: Uint8Array;
  private blocks = 1;
  private at = 0;

  constructor(key: Uint8Array, purpose: string, value: Uint8Array) {
    this.key = key;
    this.first = createHmac('sha256', key).update(purpose).update('\0').update(value).digest();
    this.block = this.first;
  }

  byte(): number {
    if (this.at === this.block.length) {
      this.block = createHmac('sha256', this.key).update(this.first).update(String(this.blocks)).digest();
      this.blocks += 1;
      this.at = 0;
    }
    const byte = this.block[this.at]!;
    this.at += 1;
    return byte;
  }

  /** Uniform below `limit` (at most 256): bytes that would favour small results are passed over. */
  below(limit: number): number {
    const fair = 256 - (256 % limit);
    let byte = this.byte();
    while (byte >= fair) byte = this.byte();
    return byte % limit;
  }

  hex(digits: number): string {
    let text = '';
    while (text.length < digits) text += this.byte().toString(16).padStart(2, '0');
    return text.slice(0, digits);
  }

  digits(count: number): string {
    let text = '';
    for (let i = 0; i < count; i += 1) text += String(this.below(10));
    return text;
  }
}

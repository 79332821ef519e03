/**
 * A bounded map that forgets what was not asked for lately: two generations, the older dropped whole
 * when the younger is full. Holds at most `maxEntries` entries and `maxBytes` bytes as the caller counts them.
 */
export class GenerationCache<V> {
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  #bytes = 0;
  readonly #maxEntries: number;
  readonly #maxBytes: number;

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = Math.max(1, maxEntries >> 1);
    this.#maxBytes = maxBytes / 2;
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: V): void {
    const bytes = key.length * 2 + 1024;
    if (bytes > this.#maxBytes) return;
    if (this.#young.size >= this.#maxEntries || this.#bytes + bytes > this.#maxBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#bytes = 0;
    }
    this.#young.set(key, value);
    this.#bytes += bytes;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}

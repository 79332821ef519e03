/** UUIDs that stand for others, of all sessions of this gateway. A UUID has no room for what it stands for. */
export class TokenTable {
  readonly #values = new Map<string, string>();
  readonly #limit: number;

  constructor(limit = 65_536) {
    this.#limit = limit;
  }

  /** @returns false where the token stands for something else already. */
  keep(token: string, value: string): boolean {
    const known = this.#values.get(token);
    if (known !== undefined) return known === value;
    if (this.#values.size >= this.#limit) this.#values.delete(this.#values.keys().next().value!);
    this.#values.set(token, value);
    return true;
  }

  value(token: string): string | undefined {
    return this.#values.get(token);
  }
}

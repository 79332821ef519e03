import { createRequire } from 'node:module';

type CedarModule = typeof import('@cedar-policy/cedar-wasm/nodejs');

const PACKAGE = '@cedar-policy/cedar-wasm/nodejs';

/**
 * Cedar in WASM. A trap leaves an instance broken for good, and everything that was parsed into it is
 * gone with it; so callers hold this, ask for `module` each time, and parse again when `generation` moved.
 */
export class Cedar {
  readonly #require = createRequire(import.meta.url);
  #module: CedarModule | null = null;
  #generation = 0;

  get module(): CedarModule {
    this.#module ??= this.#load();
    return this.#module;
  }

  /** Counts instances, from 1. */
  get generation(): number {
    return this.#generation;
  }

  /** Runs `use`; when it throws, the instance is discarded and the error goes on. Cedar's own failures are results. */
  run<T>(use: (cedar: CedarModule) => T): T {
    const cedar = this.module;
    try {
      return use(cedar);
    } catch (error) {
      this.#module = null;
      throw error;
    }
  }

  #load(): CedarModule {
    // The package makes its instance when it is loaded, so a fresh one is a fresh load.
    delete this.#require.cache[this.#require.resolve(PACKAGE)];
    this.#generation += 1;
    return this.#require(PACKAGE) as CedarModule;
  }
}

import { setFlagsFromString } from 'node:v8';

/**
 * Leaves WebAssembly as its first compiler made it. V8's second one takes more than 600 MB and seconds
 * of CPU for one function of PostgreSQL's parser, so that what is understood once for each shape of
 * statement is some 10 µs sooner. Holds for all threads of the process; before WASM is loaded.
 */
export function keepFirstTier(): void {
  // Only the function of this index is compiled anew: 0 is an import of each module that is used here.
  setFlagsFromString('--wasm-tier-up-filter=0');
}

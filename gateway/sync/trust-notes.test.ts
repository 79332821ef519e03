import { expect, it } from 'vitest';
import type { StoreTarget } from './ports.ts';
import { fetchTrustNotes } from './trust-notes.ts';

const MIB = 1024 * 1024;
const signal = new AbortController().signal;

/** A store that lists names in this order; `bytes` gives what is under one. */
const storeOf = (names: readonly string[], bytes: (name: string) => Iterable<Uint8Array>) =>
  ({
    async *list() {
      for (const name of names) yield { name: `acme/${name}`, size: 10, version: null };
    },
    read: async (name: string) =>
      (async function* () {
        yield* bytes(name);
      })(),
  }) as Partial<StoreTarget> as StoreTarget;

const textsOf = (notes: readonly Uint8Array[]) => notes.map((note) => Buffer.from(note).toString());

it('takes what continues the device’s own first, in any order of the list, and other attempts of it', async () => {
  const names = ['trust/000004.note', 'trust/000003.note.r1', 'trust/000002.note', 'trust/000003.note'];
  const store = storeOf(names, (name) => [Buffer.from(name)]);
  expect(textsOf(await fetchTrustNotes(store, 'acme', 3, signal))).toEqual([
    'acme/trust/000003.note',
    'acme/trust/000003.note.r1',
    'acme/trust/000004.note',
  ]);
});

it('holds a bounded amount of what is listed as small and is large, or never ends', async () => {
  const names = Array.from({ length: 900 }, (_, n) => `trust/${String(n + 3).padStart(6, '0')}.note`);
  let read = 0;
  const store = storeOf(names, function* (name) {
    if (name.endsWith('3.note')) for (;;) yield new Uint8Array(MIB);
    read += 1;
    yield new Uint8Array(MIB);
  });
  const notes = await fetchTrustNotes(store, 'acme', 3, signal);
  expect(notes.every(({ length }) => length <= MIB)).toBe(true);
  expect(notes.length).toBeLessThanOrEqual(16);
  expect(read).toBeLessThanOrEqual(16);
});

import type { Scanner } from '../../masking/detectors/scanner.ts';
import { CopyPayload } from './copy-payload.ts';
import { StreamMatcher } from './needles.ts';
import { type FoundUnit, unitsOf } from './units.ts';

export interface UnitTest {
  needles: readonly Buffer[];
  /** Finds entities by content; null: none are looked for. */
  scanner: Scanner | null;
}

/** Streams that may be open at once: exchanges of a session overlap only as far as its client pipelines. */
const MAX_STREAMS = 512;
/** A finding that begins in one unit and ends in the next is at most so long. */
const OVERLAP = 512;

/** Units that hold a needle or an entity, also where it begins in one and ends in another. */
export function findUnits(folder: string, test: UnitTest): { units: Set<number>; found: Record<string, number> } {
  const units = new Set<number>();
  const found: Record<string, number> = {};
  if (test.needles.length === 0 && test.scanner === null) return { units, found };
  const streams = new Map<string, Stream>();
  for (const one of unitsOf(folder)) {
    if (one.role === 'map' || one.bytes === null) continue;
    const key = one.role === 'up' || one.role === 'down' ? `${one.role} ${one.exchange}` : `text ${one.group}`;
    let stream = streams.get(key);
    if (stream === undefined || one.begins) {
      stream = new Stream(test, found);
      streams.set(key, stream);
      if (streams.size > MAX_STREAMS) streams.delete(streams.keys().next().value!);
    }
    stream.feed(one, one.bytes, (unit) => units.add(unit));
  }
  return { units, found };
}

class Stream {
  readonly #raw: StreamMatcher;
  readonly #copied: StreamMatcher;
  readonly #payload = new CopyPayload();
  readonly #scanner: Scanner | null;
  readonly #found: Record<string, number>;
  #before: { unit: number; tail: Buffer } | null = null;

  constructor({ needles, scanner }: UnitTest, found: Record<string, number>) {
    this.#raw = new StreamMatcher(needles);
    this.#copied = new StreamMatcher(needles);
    this.#scanner = scanner;
    this.#found = found;
  }

  feed({ unit, role }: FoundUnit, bytes: Uint8Array, hit: (unit: number) => void): void {
    this.#raw.feed(unit, bytes, hit);
    if (role === 'up' || role === 'down') this.#payload.feed(bytes, (data) => this.#copied.feed(unit, data, hit));
    if (this.#scanner === null) return;
    const tail = this.#before?.tail ?? Buffer.alloc(0);
    const window = Buffer.concat([tail, bytes]);
    for (const { start, end, entity } of this.#scanner.scan(window, 0, window.length) ?? []) {
      if (end <= tail.length) continue;
      this.#found[entity] = (this.#found[entity] ?? 0) + 1;
      hit(unit);
      if (start < tail.length && this.#before !== null) hit(this.#before.unit);
    }
    this.#before = { unit, tail: Buffer.from(window.subarray(Math.max(0, window.length - OVERLAP))) };
  }
}

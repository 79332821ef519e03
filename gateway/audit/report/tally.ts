import type { ReportFigure, ReportReference } from './data.ts';

const MAX_REFERENCES = 20;

/** Something counted, with the first places. */
export class Tally {
  count = 0;
  readonly #places: ReportReference[] = [];
  #sources = 0;
  #last = '';

  add(count: number, place: ReportReference): void {
    if (count === 0) return;
    this.count += count;
    const key = `${place.session}/${place.seq}/${place.statement}`;
    if (key === this.#last) return;
    this.#last = key;
    this.#sources += 1;
    if (this.#places.length < MAX_REFERENCES) this.#places.push(place);
  }

  get evidence(): ReportFigure['evidence'] {
    return { first: this.#places, more: this.#sources - this.#places.length };
  }
}

export class Tallies {
  readonly #all = new Map<string, Tally>();

  of(name: string): Tally {
    let tally = this.#all.get(name);
    if (tally === undefined) {
      tally = new Tally();
      this.#all.set(name, tally);
    }
    return tally;
  }

  *[Symbol.iterator](): Generator<[string, Tally]> {
    yield* [...this.#all].sort(([, a], [, b]) => b.count - a.count);
  }
}

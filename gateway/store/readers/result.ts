import { CountersignError } from '../../contract/errors.ts';
import type { ResultPage, Statement } from '../../contract/session.ts';
import { copyInLines } from '../../protocols/postgres/derive/copy-in.ts';
import { type RecordingSource, walkSession } from '../walk.ts';
import type { Page } from './search.ts';

/** Where a result lies. */
export interface ResultPlace {
  exchange: number;
  ordinal: number;
  /** First unit of the exchange. */
  unit: number;
  columns: Statement['columns'];
  /** Rows of the statement; the page's total. */
  rows: number;
  copyIn: number | null;
  formats: readonly number[];
}

/** Characters of one page; what would go above is left for the next page (at least one row comes). */
const MAX_PAGE_CHARS = 8 * 1024 * 1024;

/**
 * Rows of one statement, read from the recording: the exchange is walked up to the page's last row and
 * only the page is held. Columns that an earlier exchange described come from `place`.
 */
export async function readResult(
  source: RecordingSource,
  folder: string,
  place: ResultPlace,
  page: Page,
): Promise<ResultPage> {
  const collected = new PageRows(page);
  let { columns } = place;
  if (place.copyIn !== null) {
    const pieces = source.pieces(folder, { fromUnit: place.unit, exchange: place.exchange });
    for await (const line of copyInLines(pieces, place.copyIn)) if (!collected.add([line])) break;
  } else if (columns.length > 0 && place.rows > page.offset) {
    const walk = walkSession(source, folder, {
      cursor: { nextUnit: place.unit, lastExchange: place.exchange - 1 },
      toUnit: place.unit + 1,
      unfinished: true,
      knownFields: () =>
        place.columns.map(({ name, typeOid }, i) => ({
          name,
          typeOid,
          format: place.formats[i] === 1 ? 'binary' : 'text',
        })),
      rows: (exchange, ordinal) => exchange === place.exchange && ordinal === place.ordinal,
    });
    outer: for await (const step of walk) {
      for (const told of step.told) {
        if (told.type === 'columns' && told.columns.length > 0) columns = told.columns;
        if (told.type === 'row' && !collected.add(told.values)) break outer;
      }
    }
    if (collected.seen === 0 && place.rows > 0) {
      throw new CountersignError('RESULT_UNREADABLE', 'the rows of this statement are not in the recording any more');
    }
  }
  // Rows that a command changed are counted in its tag, and are no result.
  return { columns, rows: collected.rows, offset: page.offset, total: columns.length > 0 ? place.rows : 0 };
}

class PageRows {
  readonly rows: (string | null)[][] = [];
  seen = 0;
  #chars = 0;
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** @returns whether more rows are wanted. */
  add(values: (string | null)[]): boolean {
    const { offset, limit } = this.#page;
    if (this.seen++ < offset) return true;
    for (const value of values) this.#chars += value?.length ?? 4;
    if (this.rows.length > 0 && this.#chars > MAX_PAGE_CHARS) return false;
    this.rows.push(values);
    return this.rows.length < limit;
  }
}

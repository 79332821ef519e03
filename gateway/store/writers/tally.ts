import type { DerivedStatement } from '../../pipeline/derive.ts';
import { shapeKey, shapeText } from '../../protocols/postgres/classifier/shape.ts';
import type { Db } from '../migrations/migration.ts';
import type { FacetIds } from './facet-ids.ts';
import type { Interner } from './interner.ts';

const DAY_US = 86_400_000_000;
/** Of one session in one batch; what comes beyond is counted as one more shape, without a name. */
const MAX_SHAPES = 1_000;
const MAX_TABLES = 1_000;
/** As much of a shape as is told apart. */
const MAX_SHAPE = 1_000;

/** The shape of a statement as insights show it: what has only other values is the same. */
export function shapeOf(text: string, sql: boolean): string {
  const key = sql ? shapeKey(text) : null;
  return (key === null ? text : shapeText(key)).slice(0, MAX_SHAPE);
}

interface Tally {
  day: number;
  class: string;
  verdict: string;
  n: number;
  errors: number;
  heldUs: number;
}

interface ShapeTally {
  day: number;
  shape: string;
  n: number;
  asked: number;
  approved: number;
  denied: number;
  errors: number;
  busyUs: number;
  slowestUs: number;
  slowestIdx: number;
}

interface TableTally {
  day: number;
  table: string;
  verdict: string;
  n: number;
}

/** Counts one session's statements of one batch, and adds them to what is there. */
export class SessionTally {
  readonly #sql: boolean;
  readonly #all = new Map<string, Tally>();
  /** By day, since a key of both would be as long as the shape, for each statement. */
  readonly #shapes = new Map<number, Map<string, ShapeTally>>();
  #shapeCount = 0;
  readonly #tables = new Map<string, TableTally>();
  /** Most statements have the text of the one before, or of one of few. */
  readonly #known = new Map<string, string>();

  /** @param sql statements are PostgreSQL's, so constants can be lifted out of them. */
  constructor(sql: boolean) {
    this.#sql = sql;
  }

  add(statement: DerivedStatement, text: string, index: number): void {
    const day = Math.floor(statement.startedUs / DAY_US);
    const { verdict } = statement;
    const failed = statement.error === null ? 0 : 1;
    const heldUs = Math.max(0, Math.round(statement.heldMs * 1000));
    const busyUs = Math.max(0, Math.round(statement.durationMs * 1000) - heldUs);
    const one = made(this.#all, `${day} ${statement.class} ${verdict}`, () => ({
      day,
      class: statement.class,
      verdict,
      n: 0,
      errors: 0,
      heldUs: 0,
    }));
    one.n += 1;
    one.errors += failed;
    one.heldUs += heldUs;

    let shape = this.#shape(text);
    const shapes = made(this.#shapes, day, () => new Map<string, ShapeTally>());
    if (this.#shapeCount >= MAX_SHAPES && !shapes.has(shape)) shape = '';
    const of = made(shapes, shape, () => {
      this.#shapeCount += 1;
      return emptyShape(day, shape, index);
    });
    of.n += 1;
    if (verdict.startsWith('asked')) of.asked += 1;
    if (verdict === 'asked-approved') of.approved += 1;
    if (verdict === 'denied' || verdict === 'asked-denied' || verdict === 'asked-expired') of.denied += 1;
    of.errors += failed;
    of.busyUs += busyUs;
    if (busyUs > of.slowestUs) {
      of.slowestUs = busyUs;
      of.slowestIdx = index;
    }

    const { objects } = statement;
    for (const table of objects.length > 1 ? new Set(objects) : objects) {
      const key = `${day} ${verdict} ${table}`;
      if (this.#tables.size >= MAX_TABLES && !this.#tables.has(key)) break;
      made(this.#tables, key, () => ({ day, table, verdict, n: 0 })).n += 1;
    }
  }

  #shape(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const shape = shapeOf(text, this.#sql);
    if (this.#known.size >= MAX_SHAPES) this.#known.clear();
    this.#known.set(text, shape);
    return shape;
  }

  /** Within the caller's transaction. */
  write(db: Db, session: number, interner: Interner, facets: FacetIds): void {
    const { all, shapes, tables } = prepared(db);
    for (const one of this.#all.values())
      all.run(one.day, session, one.class, one.verdict, one.n, one.errors, one.heldUs);
    for (const of of [...this.#shapes.values()].flatMap((shapes) => [...shapes.values()]))
      shapes.run(
        of.day,
        session,
        interner.id(session, of.shape),
        of.n,
        of.asked,
        of.approved,
        of.denied,
        of.errors,
        of.busyUs,
        of.slowestUs,
        of.slowestIdx,
      );
    for (const { day, table, verdict, n } of this.#tables.values())
      tables.run(day, session, facets.table(table), verdict, n);
  }
}

const emptyShape = (day: number, shape: string, index: number): ShapeTally => ({
  day,
  shape,
  n: 0,
  asked: 0,
  approved: 0,
  denied: 0,
  errors: 0,
  busyUs: 0,
  slowestUs: -1,
  slowestIdx: index,
});

function made<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

const cache = new WeakMap<Db, ReturnType<typeof prepare>>();

function prepared(db: Db): ReturnType<typeof prepare> {
  const known = cache.get(db) ?? prepare(db);
  cache.set(db, known);
  return known;
}

function prepare(db: Db) {
  return {
    all: db.prepare(
      `INSERT INTO tallies (day, session, class, verdict, n, errors, held_us) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET n = n + excluded.n, errors = errors + excluded.errors,
         held_us = held_us + excluded.held_us`,
    ),
    shapes: db.prepare(
      `INSERT INTO shape_tallies
         (day, session, shape, n, asked, approved, denied, errors, busy_us, slowest_us, slowest_idx)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET n = n + excluded.n, asked = asked + excluded.asked,
         approved = approved + excluded.approved, denied = denied + excluded.denied,
         errors = errors + excluded.errors, busy_us = busy_us + excluded.busy_us,
         slowest_idx = CASE WHEN excluded.slowest_us > slowest_us THEN excluded.slowest_idx ELSE slowest_idx END,
         slowest_us = max(slowest_us, excluded.slowest_us)`,
    ),
    tables: db.prepare(
      `INSERT INTO table_tallies (day, session, facet, verdict, n) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET n = n + excluded.n`,
    ),
  };
}

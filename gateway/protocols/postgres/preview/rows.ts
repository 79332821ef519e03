import type { PreviewLimits } from '../../../contract/connection.ts';
import type { RowsPreview } from '../../../contract/preview.ts';
import { rowsOfTag } from '../codec/backend.ts';
import type { OutputTaint } from '../ports.ts';
import type { OwnResult } from '../relay/own-answers.ts';
import type { HeldStatement, OwnLane } from '../relay/own-lane.ts';
import { rowsOfPlan } from '../wire/estimate.ts';
import { quoteIdentifier, quoteLiteral } from '../wire/simple-client.ts';
import type { Change } from './change.ts';
import { doubtOfFacts, doubtOfPlan, doubtOfText } from './doubt.ts';
import { type Facts, factsSql, readFacts } from './facts.ts';
import type { Bound } from './messages.ts';
import { type PreviewSession, Refused, valuesOf } from './session.ts';
import { statementRows } from './statement-rows.ts';

const MAX_CELL = 200;
const MAX_COLUMNS = 40;
const MAX_READS = 50;
/** Characters of the rows that are shown, as JSON. */
const MAX_SAMPLE = 64 * 1024;
const SAMPLE_BYTES = 1024 * 1024;
const PLAN = { maxRows: 10_000, maxBytes: 4 * 1024 * 1024 };

export interface RowsLook {
  held: HeldStatement;
  lane: OwnLane;
  session: PreviewSession;
  change: Change;
  limits: PreviewLimits;
  now(): number;
}

export const NOTHING_YET: RowsPreview = {
  kind: 'rows',
  state: 'loading',
  basis: 'none',
  at: null,
  table: null,
  rows: null,
  why: null,
  columns: [],
  key: [],
  sample: [],
  also: [],
  undo: null,
};

const NOT_KEPT = {
  can: 'none',
  sentence: 'The rows as they were are not kept, so it cannot be undone from here.',
} as const;

/** Runs the statement behind a savepoint, where nothing speaks against it. Rejects with Stopped; the caller ends the session. */
export async function lookAtRows(look: RowsLook): Promise<RowsPreview> {
  const { held, lane, session, change, limits } = look;
  const { catalog } = lane.session.deps.database;
  const { effects } = held.operation;
  const done = (found: Partial<RowsPreview>): RowsPreview => ({
    ...NOTHING_YET,
    state: 'done',
    undo: NOT_KEPT,
    ...found,
  });
  const planned = (why: string, found: Partial<RowsPreview> = {}) =>
    done({ basis: 'estimate', ...found, why, ...statementRows(change, held) });
  if (limits.rows === 0) return planned('Previews are off for this connection.');
  const textDoubt = doubtOfText(effects, change, catalog);
  if (textDoubt !== null) return planned(textDoubt);
  const closed = await session.begin(limits);
  if (closed !== null) return planned(closed);
  const facts = await factsOf(look);
  if (facts === null) return planned('Its table is not there.');
  const named = { table: facts.relations.find(({ id }) => id === facts.target)?.name ?? null };
  const live = { ...catalog, functions: facts.functions };
  const doubt = doubtOfText(effects, change, live) ?? doubtOfFacts(facts, change, live);
  if (doubt !== null) return planned(doubt, named);
  const bound: Bound = {
    sql: held.statement.text,
    types: held.statement.parameterTypes,
    bind: held.execute?.portal?.bind ?? null,
  };
  try {
    await session.back(limits);
    const plan = planOf(await session.bound({ ...bound, sql: `EXPLAIN (VERBOSE, FORMAT JSON) ${bound.sql}` }, PLAN));
    const rows = rowsOfPlan(plan);
    const at = new Date(look.now()).toISOString();
    const planDoubt = doubtOfPlan(plan, live);
    if (planDoubt !== null) return planned(planDoubt, { ...named, rows, at });
    if (rows === null || rows > limits.rows) {
      const many =
        rows === null ? 'The planner does not say how many rows it touches' : `It would touch about ${rows} rows`;
      return planned(`${many}, and above ${limits.rows} it is not run to look.`, { ...named, rows, at });
    }
    return done({ ...named, ...(await run(look, bound, facts)) });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return done({ ...named, why: refusalOf(error, look, limits), at: new Date(look.now()).toISOString() });
  }
}

type TargetFacts = Facts & { target: number };

async function factsOf({ held, lane, session, change }: RowsLook): Promise<TargetFacts | null> {
  const { reads } = held.operation.effects;
  const names = [change.target, ...reads.slice(0, MAX_READS)].map(({ schema, name }) =>
    quoteLiteral(schema === null ? quoteIdentifier(name) : `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`),
  );
  const [target, ...others] = await session.all([
    `SELECT ${names.map((name) => `pg_catalog.to_regclass(${name})::pg_catalog.oid`).join(', ')}`,
  ]);
  if (target == null) return null;
  const ids = others.filter((id) => id !== null).map(Number);
  const sql = factsSql(Number(target), [...new Set(ids)], change.op, change.onConflict, majorOf(lane));
  const [json] = await session.apart(['SET LOCAL search_path = pg_catalog, pg_temp', sql]);
  return { ...readFacts(json ?? ''), target: Number(target) };
}

function majorOf(lane: OwnLane): number {
  return Number.parseInt(lane.session.deps.parameters.get('server_version') ?? '0', 10);
}

function planOf(result: OwnResult): unknown {
  return JSON.parse(result.rows.map((row) => valuesOf(row)[0] ?? '').join('\n'));
}

/** Names that RETURNING gives the row before and after; nobody's table is called so. */
const OLD = 'countersign_old';
const NEW = 'countersign_new';

async function run(look: RowsLook, bound: Bound, facts: TargetFacts): Promise<Partial<RowsPreview>> {
  const { session, change, lane } = look;
  const reached = facts.relations.filter(({ cascaded, kind }) => cascaded && kind !== 'p');
  const before = await counters(
    session,
    reached.map(({ id }) => id),
  );
  const secured = facts.relations.some((relation) => relation.written && relation.secured);
  const sql =
    secured || majorOf(lane) < 18 ? null : change.returning(`WITH (OLD AS ${OLD}, NEW AS ${NEW}) ${OLD}.*, ${NEW}.*`);
  const at = new Date(look.now()).toISOString();
  const shown = sql === null ? null : await withRows(look, { ...bound, sql });
  const result = shown ?? (await session.bound(bound, { maxRows: 0, maxBytes: 0 }));
  const after = await counters(
    session,
    reached.map(({ id }) => id),
  );
  const sample = shown && sampleOf(shown, look, sql!);
  return {
    basis: 'exact',
    at,
    rows: rowsOfTag(result.tag),
    why: sample ? null : secured ? SECURED : 'Rows cannot be shown for it; their number is exact.',
    ...(sample && { ...sample, key: facts.key.map((name) => sample.columns.indexOf(name)).filter((i) => i >= 0) }),
    also: reached.flatMap(({ name }, i) => alsoOf(name, before, after, i)).slice(0, 20),
  };
}

const SECURED = 'Row security holds for this table, so rows are counted and not shown.';

/** @returns null where only the rows could not be returned: the role may change them and not read them. */
async function withRows({ session, limits }: RowsLook, bound: Bound): Promise<OwnResult | null> {
  try {
    return await session.bound(bound, { maxRows: limits.sample, maxBytes: SAMPLE_BYTES });
  } catch (error) {
    if (!(error instanceof Refused) || error.summary.sqlstate !== '42501') throw error;
    await session.back(limits);
    return null;
  }
}

/** Rows of each relation that this transaction has changed so far: inserted, updated, deleted. */
async function counters(session: PreviewSession, ids: readonly number[]): Promise<readonly number[]> {
  if (ids.length === 0) return [];
  const columns = ids.flatMap((id) =>
    ['inserted', 'updated', 'deleted'].map((what) => `pg_catalog.pg_stat_get_xact_tuples_${what}(${id})`),
  );
  return (await session.all([`SELECT ${columns.slice(0, 600).join(', ')}`])).map(Number);
}

function alsoOf(name: string, before: readonly number[], after: readonly number[], index: number): string[] {
  return ['inserts', 'updates', 'deletes'].flatMap((what, i) => {
    const rows = (after[index * 3 + i] ?? 0) - (before[index * 3 + i] ?? 0);
    return rows > 0 ? [`It also ${what} ${rows} row${rows === 1 ? '' : 's'} of ${name}, by a foreign key.`] : [];
  });
}

function sampleOf(
  result: OwnResult,
  { lane, change, limits }: RowsLook,
  sql: string,
): Pick<RowsPreview, 'columns' | 'sample'> {
  const { masking, database } = lane.session.deps;
  const half = result.fields.length / 2;
  const width = Math.min(half, MAX_COLUMNS);
  const taint: OutputTaint = lane.session.classify(sql).output;
  const masker = masking?.forResult(result.fields, taint, database.catalog) ?? null;
  const mayInsert = change.op === 'INSERT' || change.op === 'MERGE';
  const mayDelete = change.op === 'DELETE' || change.op === 'MERGE';
  const sample = result.rows.slice(0, limits.sample).map((row) => {
    const absent = absentOf(valuesOf(row), half);
    const values = valuesOf(masker?.row(row) ?? row).map(shortened);
    const before =
      (mayInsert && absent.before) || (change.op === 'INSERT' && !change.onConflict) ? null : values.slice(0, width);
    const after = (mayDelete && absent.after) || change.op === 'DELETE' ? null : values.slice(half, half + width);
    return { before, after };
  });
  // Requests are kept after they are decided: what each shows has a size of its own.
  while (sample.length > 1 && JSON.stringify(sample).length > MAX_SAMPLE) sample.pop();
  return { columns: result.fields.slice(0, width).map(({ name }) => name.slice(0, 100)), sample };
}

/** A row that is not there is all NULL. */
function absentOf(values: readonly (string | null)[], half: number): { before: boolean; after: boolean } {
  const none = (part: readonly (string | null)[]) => part.every((value) => value === null);
  return { before: none(values.slice(0, half)), after: none(values.slice(half)) };
}

function shortened(value: string | null): string | null {
  return value !== null && value.length > MAX_CELL ? `${value.slice(0, MAX_CELL)}…` : value;
}

function refusalOf({ summary }: Refused, { lane, held }: RowsLook, limits: PreviewLimits): string {
  if (summary.sqlstate === '55P03') return 'Another session holds locks on these rows, so it was not waited for them.';
  if (summary.sqlstate === '57014') return `It was stopped: it took longer than ${limits.statementMs / 1000} s.`;
  const { masking } = lane.session.deps;
  const text =
    masking?.text(summary.message, held.statement.classification.output, held.statement.text).text ?? summary.message;
  return `It would fail as things are: ${text}`.slice(0, 500);
}

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ColumnTag, Connection } from '../contract/connection.ts';
import { Effect, PresenceLevel, type Verdict } from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Effects } from '../contract/operation.ts';
import { createClassifier } from '../protocols/postgres/classifier/index.ts';
import type { CatalogSnapshot, Classifier, ClassifyContext } from '../protocols/postgres/ports.ts';
import { Cedar } from './cedar.ts';
import { runRequest } from './decisions/request.ts';
import { verdictOf } from './decisions/verdict.ts';
import { compilePolicies, errorSentence, PolicySet } from './policy-set.ts';

/** The world that the statements below it run in; each such line replaces the one before. */
const Setting = z.strictObject({
  connection: z.string().default('test'),
  environment: z.enum(['production', 'staging', 'development']).default('production'),
  database: z.string().default('shop'),
  role: z.string().default('app'),
  user: z.string().default('somebody'),
  groups: z.array(z.string()).default([]),
  tags: z.array(ColumnTag).default([]),
  /** Tables and their columns in order, as "schema.table". */
  tables: z.record(z.string(), z.array(z.string())).default({}),
  /** Views: their columns and what they select. */
  views: z.record(z.string(), z.strictObject({ columns: z.array(z.string()), definition: z.string() })).default({}),
  functions: z
    .array(
      z.strictObject({
        name: z.string(),
        schema: z.string().default('public'),
        volatility: z.enum(['immutable', 'stable', 'volatile']),
        language: z.string().default('sql'),
        source: z.string().default(''),
      }),
    )
    .default([]),
});
type Setting = z.infer<typeof Setting>;

const Expectation = z.strictObject({
  sql: z.string(),
  expect: Effect,
  level: PresenceLevel.optional(),
  grantable: z.boolean().optional(),
  class: z.string().optional(),
  /** A note for people. */
  why: z.string().optional(),
});
type Expectation = z.infer<typeof Expectation>;

const Line = z.union([z.strictObject({ given: Setting }), Expectation]);

export interface TableResult {
  /** From 1. */
  line: number;
  sql: string;
  ok: boolean;
  /** What was expected and what came, with the reason, where they differ. */
  sentence: string;
  effects: Effects;
  verdict: Verdict;
}

const MAX_LINES = 100_000;

/**
 * Runs a table of statements against a policy, without a gateway or a database.
 * @param table JSON lines: `{"sql", "expect": "allow"|"ask"|"deny", "level"?, "grantable"?, "class"?, "why"?}`,
 * and `{"given": {…}}` for what follows it; empty lines and lines that begin with `//` do not count.
 * Throws POLICY_INVALID, POLICY_TABLE_INVALID with the line.
 */
export async function runPolicyTable(policy: string, table: string): Promise<TableResult[]> {
  const set = compilePolicies(policy, new Cedar());
  if (!(set instanceof PolicySet))
    throw new CountersignError('POLICY_INVALID', set.errors.map(errorSentence).join('\n'));
  const lines = table.split('\n');
  if (lines.length > MAX_LINES) throw new CountersignError('POLICY_TABLE_INVALID', `more than ${MAX_LINES} lines`);
  const classifier = await createClassifier({
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    after: (milliseconds, run) => {
      const timer = setTimeout(run, milliseconds);
      return () => clearTimeout(timer);
    },
  });
  try {
    const results: TableResult[] = [];
    let setting = Setting.parse({});
    let context = contextOf(setting);
    for (const [index, text] of lines.entries()) {
      if (text.trim() === '' || text.trimStart().startsWith('//')) continue;
      const line = parseLine(text, index + 1);
      if ('given' in line) {
        setting = line.given;
        context = contextOf(setting);
      } else results.push(await runLine(index + 1, line, setting, context, classifier, set));
    }
    return results;
  } finally {
    await classifier.close();
  }
}

function parseLine(text: string, number: number): z.infer<typeof Line> {
  const fail = (why: string): CountersignError =>
    new CountersignError('POLICY_TABLE_INVALID', `line ${number} of the table: ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw fail(error instanceof Error ? error.message : String(error));
  }
  const parsed = Line.safeParse(value);
  if (!parsed.success) throw fail(z.prettifyError(parsed.error));
  return parsed.data;
}

async function runLine(
  line: number,
  wanted: Expectation,
  setting: Setting,
  context: ClassifyContext,
  classifier: Classifier,
  set: PolicySet,
): Promise<TableResult> {
  const { effects } = await classifier.classifyLarge(wanted.sql, context);
  const { user, groups, database, role } = setting;
  const identity = { subject: user, display: user, kind: 'local' as const, verified: false, groups };
  const agent = { pid: null, name: 'test', parents: [] };
  const input = { identity, agent, connection: context.connection, database, role, effects };
  const verdict = verdictOf(set.evaluate(runRequest(input)), set.hash, effects.words);
  const wrong: string[] = [];
  if (verdict.effect !== wanted.expect) wrong.push(`expected ${wanted.expect}, got ${verdict.effect}`);
  if (wanted.level !== undefined && verdict.effect === 'ask' && verdict.level !== wanted.level)
    wrong.push(`expected level ${wanted.level}, got ${verdict.level}`);
  if (wanted.grantable !== undefined && verdict.grantable !== wanted.grantable)
    wrong.push(`expected ${wanted.grantable ? 'a grantable' : 'no grantable'} request`);
  if (wanted.class !== undefined && effects.class !== wanted.class)
    wrong.push(`expected class ${wanted.class}, got ${effects.class}`);
  const detail = `${verdict.reason} [class ${effects.class}; flags ${effects.flags.join(' ') || 'none'}]`;
  return {
    line,
    sql: wanted.sql,
    ok: wrong.length === 0,
    sentence: wrong.length === 0 ? '' : `${wrong.join('; ')}: ${detail}`,
    effects,
    verdict,
  };
}

function contextOf(setting: Setting): ClassifyContext {
  const connection = Connection.parse({
    id: setting.connection,
    kind: 'postgres',
    host: 'localhost',
    user: setting.role,
    database: setting.database,
    environment: setting.environment,
    columns: setting.tags,
  });
  const relation = (
    qualified: string,
    kind: 'table' | 'view',
    columns: readonly string[],
    definition: string | null,
  ): CatalogSnapshot['relations'][number] => {
    const [schema, name] = qualified.includes('.') ? qualified.split('.', 2) : ['public', qualified];
    return {
      oid: 0,
      schema: schema ?? 'public',
      name: name ?? qualified,
      kind,
      columns: columns.map((column, index) => ({ name: column, attnum: index + 1, typeOid: 25 })),
      definition,
    };
  };
  const catalog: CatalogSnapshot = {
    tagByOid: new Map(),
    relations: [
      ...Object.entries(setting.tables).map(([name, columns]) => relation(name, 'table', columns, null)),
      ...Object.entries(setting.views).map(([name, view]) => relation(name, 'view', view.columns, view.definition)),
    ],
    functions: setting.functions,
    volatileBuiltins: new Set(),
  };
  return { connection, catalog, prepared: () => null, cursor: () => null };
}

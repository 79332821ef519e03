import { quoteIdentifier, quoteLiteral, type SimpleClient } from './simple-client.ts';

export interface EstimateOptions {
  /** As the session's search_path setting reads. */
  searchPath: string;
  /** Role of the session; the estimate is made with its rights. */
  role: string;
  /** Values as text and types of $1, $2 …; without them a generic plan is made. */
  parameters?: { values: readonly (string | null)[]; types: readonly number[] };
}

const MAX_SQL = 256 * 1024;
const LIMITS = { timeoutMs: 4000, maxRows: 100_000 };
const MAX_ROWS = Number.MAX_SAFE_INTEGER;

/** White space and comments; a nested comment makes it miss, which costs the estimate and nothing else. */
const explainable =
  /^(?:\s|--[^\n]*(?:\n|$)|\/\*[^*/]*(?:[*/][^*/]+)*\*\/)*(?:select|insert|update|delete|merge|with|values|table)\b/i;

const PREPARED = 'countersign_estimate';

/**
 * Asks the planner, in a read-only transaction that is rolled back, with a timeout of 2 s. Nothing is
 * executed: the statement is prepared by a Parse message, which takes no second statement in its text,
 * and then only named behind EXPLAIN.
 * @returns null where there is no estimate (another statement). Rejects as the client does.
 */
export async function estimateRows(
  client: SimpleClient,
  sql: string,
  { searchPath, role, parameters }: EstimateOptions,
): Promise<number | null> {
  if (sql.length > MAX_SQL || !explainable.test(sql)) return null;
  const mode = parameters ? 'force_custom_plan' : 'force_generic_plan';
  try {
    await client.query(
      `BEGIN READ ONLY; SET LOCAL statement_timeout = 2000; SET LOCAL lock_timeout = 500;
       SET LOCAL plan_cache_mode = ${mode}; SELECT set_config('search_path', ${quoteLiteral(searchPath)}, true);
       SET LOCAL ROLE ${quoteIdentifier(role)}`,
      LIMITS,
    );
    await client.prepare(PREPARED, sql, parameters?.types, LIMITS);
    const values = parameters?.values ?? new Array<null>(await parameterCount(client)).fill(null);
    const list = values.map((value) => (value === null ? 'NULL' : quoteLiteral(value))).join(', ');
    const explain = `EXPLAIN (FORMAT JSON) EXECUTE ${PREPARED}${values.length > 0 ? `(${list})` : ''}`;
    const { rows } = await client.execute(explain, [], [], LIMITS);
    return rowsOfPlan(JSON.parse(rows.map(([line]) => line).join('\n')));
  } finally {
    if (!client.closed) await client.query('ROLLBACK; DEALLOCATE ALL', LIMITS).catch(() => client.close());
  }
}

async function parameterCount(client: SimpleClient): Promise<number> {
  const { rows } = await client.execute(
    `SELECT cardinality(parameter_types) FROM pg_catalog.pg_prepared_statements WHERE name = '${PREPARED}'`,
    [],
    [],
    LIMITS,
  );
  return Number(rows[0]?.[0] ?? 0);
}

interface PlanNode {
  'Node Type'?: unknown;
  'Plan Rows'?: unknown;
  'Parent Relationship'?: unknown;
  Plans?: unknown;
}

const isNode = (value: unknown): value is PlanNode => typeof value === 'object' && value !== null;

function childrenOf(node: PlanNode): PlanNode[] {
  return Array.isArray(node.Plans) ? node.Plans.filter(isNode) : [];
}

function ownRows(node: PlanNode): number {
  const rows = node['Plan Rows'];
  return typeof rows === 'number' && Number.isFinite(rows) ? Math.min(Math.max(Math.round(rows), 0), MAX_ROWS) : 0;
}

/** A ModifyTable returns no rows: what it changes is what its inputs give. Those in WITH count too. */
function changedRows(node: PlanNode): number | null {
  const children = childrenOf(node);
  let changed: number | null = null;
  if (node['Node Type'] === 'ModifyTable') {
    const inputs = children.filter((child) => ['Outer', 'Member'].includes(String(child['Parent Relationship'])));
    changed = inputs.reduce((sum, child) => sum + ownRows(child), 0);
  }
  for (const child of children) {
    const below = changedRows(child);
    if (below !== null) changed = Math.min((changed ?? 0) + below, MAX_ROWS);
  }
  return changed;
}

/** Source: EXPLAIN (FORMAT JSON), an array with one {"Plan": node}. */
export function rowsOfPlan(explained: unknown): number | null {
  const first: unknown = Array.isArray(explained) ? explained[0] : null;
  if (!isNode(first) || !('Plan' in first) || !isNode(first.Plan)) return null;
  return changedRows(first.Plan) ?? ownRows(first.Plan);
}

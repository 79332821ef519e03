import type { StatementFilter } from '../contract/search.ts';
import type { DerivedStatement } from '../pipeline/derive.ts';

/** Names that statements are found by beside their words. */
export type FacetKind = 'person' | 'agent' | 'connection' | 'device' | 'table' | 'approver' | 'entity';

export interface Facet {
  kind: FacetKind;
  value: string;
  /** As it is compared. */
  folded: string;
  /** The other name it goes by: of a person what is displayed, of a table its name without the schema; '' where none. */
  also: string;
}

/** One for each facet. */
export const facetKey = ({ kind, value, also }: Pick<Facet, 'kind' | 'value' | 'also'>): string =>
  `${kind} ${value.length} ${value}${also}`;

/** As long as PostgreSQL's index takes, twice in one row. */
const MAX_NAME = 256;

export function facet(kind: FacetKind, value: string, also = ''): Facet {
  const kept = value.slice(0, MAX_NAME);
  return { kind, value: kept, folded: kept.toLowerCase(), also: also.slice(0, MAX_NAME).toLowerCase() };
}

export const tableFacet = (object: string): Facet => facet('table', object, object.slice(object.lastIndexOf('.') + 1));

/** Where a session's statements come from. */
export interface Origin {
  identity: { subject: string; display: string };
  agent: { name: string };
  connectionId: string;
  device: string | null;
}

export function originFacets({ identity, agent, connectionId, device }: Origin): Facet[] {
  return [
    facet('person', identity.subject, identity.display),
    facet('agent', agent.name),
    facet('connection', connectionId),
    ...(device === null ? [] : [facet('device', device)]),
  ];
}

const VERDICTS = ['allowed', 'asked-approved', 'asked-denied', 'asked-expired', 'denied', 'observed'] as const;
const ERROR = 'verror';

const verdictToken = (verdict: (typeof VERDICTS)[number]) => `v${VERDICTS.indexOf(verdict)}`;

export function verdictTokens(wanted: NonNullable<StatementFilter['verdict']>): string[] {
  if (wanted === 'error') return [ERROR];
  if (wanted === 'asked') return VERDICTS.filter((one) => one.startsWith('asked')).map(verdictToken);
  if (wanted === 'denied') return (['denied', 'asked-denied', 'asked-expired'] as const).map(verdictToken);
  return [verdictToken(wanted)];
}

/** Tables that one statement is found by. */
const MAX_TABLES = 256;
const MAX_ENTITIES = 64;

/** Tokens of one statement that its session does not give; `id` gives the token of a facet, `table` that of a table. */
export function statementTokens(
  statement: DerivedStatement,
  id: (one: Facet) => string,
  table: (object: string) => string = (object) => id(tableFacet(object)),
): string {
  let tokens = verdictToken(statement.verdict);
  if (statement.error !== null) tokens += ` ${ERROR}`;
  if (statement.decidedBy !== null) tokens += ` ${id(facet('approver', statement.decidedBy))}`;
  const { objects } = statement;
  for (let i = 0; i < objects.length && i < MAX_TABLES; i++) tokens += ` ${table(objects[i]!)}`;
  for (const entity of Object.keys(statement.masked).slice(0, MAX_ENTITIES))
    tokens += ` ${id(facet('entity', entity))}`;
  return tokens;
}

export const facetToken = (id: number): string => `f${id}`;
export const sessionToken = (seq: number): string => `s${seq}`;

/** Ids of the names that $2 means; $3 is 1 where it is a beginning. The same text for both databases. */
export const FACETS_NAMED = `
  SELECT id FROM facets WHERE kind = CAST($1 AS TEXT) AND CASE WHEN CAST($3 AS INTEGER) = 1
    THEN substr(folded, 1, length(CAST($2 AS TEXT))) = $2 OR (also <> '' AND substr(also, 1, length(CAST($2 AS TEXT))) = $2)
    ELSE folded = $2 OR also = $2 END
  ORDER BY id LIMIT CAST($4 AS INTEGER)`;

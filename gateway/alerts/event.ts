import type { Statement } from '../contract/session.ts';
import type { RecorderSessionInfo, StatementSummary } from '../pipeline/ports.ts';
import { verdictOf } from '../pipeline/verdict-of.ts';

/**
 * One thing that rules look at: made as it happens, and again from a recording. Only what both have is
 * in it, so that the same rules give the same alerts on either; texts are not.
 */
export interface AlertEvent {
  kind: 'statement' | 'session-opened';
  /** Microseconds since the epoch: when the session opened, or the statement was decided on. */
  at: number;
  session: RecorderSessionInfo;
  exchange: number | null;
  /** null for session-opened. */
  statement: StatementSummary | null;
}

/** Lists that a rule walks are cut to this, and the recording keeps at least as many. */
const MAX_LIST = 64;
const NONE: readonly string[] = [];

export function verdictOfEvent({ statement }: AlertEvent): Statement['verdict'] {
  return verdictOf(statement?.decision);
}

type FieldType = 'string' | 'bool' | 'int' | 'list<string>' | 'map<string, int>' | 'timestamp';

interface Field {
  type: FieldType;
  of(event: AlertEvent): unknown;
}

const list = (values: readonly string[] | undefined) =>
  values === undefined ? NONE : values.length > MAX_LIST ? values.slice(0, MAX_LIST) : values;
const field = (type: FieldType, of: Field['of']): Field => ({ type, of });

/** The fields of `event` in a rule. Values are plain; `celValue` makes CEL's of them. */
export const FIELDS: Readonly<Record<string, Field>> = {
  kind: field('string', (event) => event.kind),
  at: field('timestamp', (event) => event.at),
  session: field('string', (event) => event.session.id),
  person: field('string', (event) => event.session.identity.subject),
  verified: field('bool', (event) => event.session.identity.verified),
  groups: field('list<string>', (event) => list(event.session.identity.groups)),
  agent: field('string', (event) => event.session.agent.name),
  application: field('string', (event) => event.session.applicationName.slice(0, 255)),
  conversation: field('string', (event) => event.session.conversationId ?? ''),
  connection: field('string', (event) => event.session.connection.id),
  host: field('string', (event) => event.session.connection.host),
  mode: field('string', (event) => event.session.connection.mode),
  masking: field('string', (event) => event.session.connection.masking),
  database: field('string', (event) => event.session.database.slice(0, 255)),
  role: field('string', (event) => event.session.user.slice(0, 255)),
  protection: field('string', (event) => event.session.protection),
  class: field('string', (event) => event.statement?.class ?? ''),
  op: field('string', (event) => event.statement?.op ?? ''),
  fingerprint: field('string', (event) => event.statement?.fingerprint ?? ''),
  flags: field('list<string>', (event) => list(event.statement?.flags)),
  objects: field('list<string>', (event) => list(event.statement?.objects)),
  verdict: field('string', (event) => (event.statement ? verdictOfEvent(event) : '')),
  denied: field('bool', (event) => event.statement?.decision.effect === 'deny'),
  asked: field('bool', (event) => event.statement?.decision.verdict.effect === 'ask'),
  policies: field('list<string>', (event) => list(event.statement?.decision.verdict.policyIds)),
  decidedBy: field('string', (event) => event.statement?.decision.decidedBy ?? ''),
  rows: field('int', (event) => event.statement?.rows ?? 0),
  error: field('string', (event) => event.statement?.error ?? ''),
  heldMs: field('int', (event) => event.statement?.heldMs ?? 0),
  masked: field('map<string, int>', (event) => event.statement?.masked ?? {}),
  maskedValues: field('int', (event) => maskedValues(event)),
};

function maskedValues({ statement }: AlertEvent): number {
  let sum = 0;
  for (const count of Object.values(statement?.masked ?? {})) sum += count;
  return sum;
}

export function celValue(name: string, event: AlertEvent): unknown {
  const { type, of } = FIELDS[name]!;
  const value = of(event);
  if (type === 'int') return BigInt(Math.trunc(value as number));
  if (type === 'timestamp') return new Date((value as number) / 1000);
  if (type === 'map<string, int>') {
    const counts = Object.entries(value as Record<string, number>).slice(0, MAX_LIST);
    return new Map(counts.map(([entity, count]) => [entity, BigInt(Math.trunc(count))]));
  }
  return value;
}

/** Lists of a statement's shape are shared by its statements. */
const listKeys = new WeakMap<readonly string[], string>();

/** A text that is equal where the value is, and where nothing that follows it could make it so. */
export function keyOf(name: string, event: AlertEvent): string {
  const value = FIELDS[name]!.of(event);
  if (typeof value === 'string') return `${value.length}:${value}`;
  if (!Array.isArray(value)) return typeof value === 'object' ? JSON.stringify(value) : `${String(value)};`;
  let key = listKeys.get(value);
  if (key === undefined) {
    key = JSON.stringify(value);
    listKeys.set(value, key);
  }
  return key;
}

/** These hardly ever come twice: what depends on them is worked out for each event. */
export const UNSTEADY: ReadonlySet<string> = new Set(['at', 'rows', 'heldMs', 'masked', 'maskedValues', 'session']);

import type { ColumnTag, Connection } from '../../contract/connection.ts';
import type { Identity } from '../../contract/identity.ts';
import type { TableRef } from '../../contract/operation.ts';
import type { PolicyInput } from '../../pipeline/ports.ts';

type Value = string | boolean | Value[] | { [key: string]: Value };
interface Uid {
  type: string;
  id: string;
}
interface Entity {
  uid: Uid;
  attrs: Record<string, Value>;
  parents: Uid[];
}

/** A question to Cedar. Everything in it is a string, a boolean or a set of strings: no foreign JSON goes through. */
export interface CedarRequest {
  principal: Uid;
  action: Uid;
  resource: Uid;
  context: Record<string, Value>;
  entities: Entity[];
}

/** Cedar refuses lone surrogates. */
const clean = (text: string): string => text.toWellFormed();
const set = (texts: Iterable<string>): string[] => [...new Set([...texts].map(clean))];

function principalOf(identity: Identity): { uid: Uid; entities: Entity[] } {
  const uid = { type: 'User', id: clean(identity.subject) };
  const groups = set(identity.groups).map((id) => ({ type: 'Group', id }));
  const attrs = {
    subject: uid.id,
    kind: identity.kind,
    verified: identity.verified,
    groups: groups.map((group) => group.id),
  };
  return {
    uid,
    entities: [{ uid, attrs, parents: groups }, ...groups.map((group) => ({ uid: group, attrs: {}, parents: [] }))],
  };
}

export function runRequest({ identity, connection, database, role, effects }: PolicyInput): CedarRequest {
  const principal = principalOf(identity);
  const resource = { type: 'Connection', id: connection.id };
  const qualified = (refs: readonly TableRef[]): string[] => set(refs.map((ref) => `${ref.schema ?? '?'}.${ref.name}`));
  const bare = (refs: readonly TableRef[]): string[] => set(refs.map((ref) => ref.name));
  return {
    principal: principal.uid,
    action: { type: 'Action', id: 'run' },
    resource,
    context: {
      class: effects.class,
      ops: set(effects.ops),
      flags: set(effects.flags),
      reads: qualified(effects.reads),
      readNames: bare(effects.reads),
      writes: qualified(effects.writes),
      writeNames: bare(effects.writes),
      filtersOn: set(effects.filtersOn),
      functions: set(effects.functions),
      database: clean(database),
      role: clean(role),
      environment: connection.environment,
    },
    entities: [
      ...principal.entities,
      {
        uid: resource,
        attrs: { id: connection.id, environment: connection.environment, mode: connection.mode },
        parents: [],
      },
    ],
  };
}

export function viewRequest(identity: Identity, connection: Connection, tag: ColumnTag): CedarRequest {
  const principal = principalOf(identity);
  const resource = {
    type: 'Column',
    id: clean(`${connection.id}.${tag.schema}.${tag.table}.${tag.column}`),
  };
  return {
    principal: principal.uid,
    action: { type: 'Action', id: 'viewPlain' },
    resource,
    context: {},
    entities: [
      ...principal.entities,
      {
        uid: resource,
        attrs: {
          connection: connection.id,
          environment: connection.environment,
          schema: clean(tag.schema),
          table: clean(tag.table),
          column: clean(tag.column),
          entity: tag.entity,
        },
        parents: [],
      },
    ],
  };
}

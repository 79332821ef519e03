import type { ColumnTag, Connection } from '../../contract/connection.ts';
import type { Identity } from '../../contract/identity.ts';
import type { TableRef } from '../../contract/operation.ts';
import type { ActionInput, PolicyInput } from '../../pipeline/ports.ts';
import { callForm, simpleCommand } from './simple-command.ts';

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
      fingerprint: clean(effects.fingerprint),
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

/** @throws never: what is not well-formed is made so, since Cedar would refuse it. */
export function actionRequest(input: ActionInput): CedarRequest {
  const principal = principalOf(input.identity);
  const { action, effects } = input;
  const name = clean(action === 'callTool' ? input.server : input.agent);
  const resource = { type: action === 'callTool' ? 'McpServer' : 'Agent', id: name };
  return {
    principal: principal.uid,
    action: { type: 'Action', id: action },
    resource,
    context: {
      class: effects.class,
      ops: set(effects.ops),
      flags: set(effects.flags),
      secrets: set(input.secrets),
      ...contextOf(input),
    },
    entities: [...principal.entities, { uid: resource, attrs: { name }, parents: [] }],
  };
}

function contextOf(input: ActionInput): Record<string, Value> {
  switch (input.action) {
    case 'shell':
      return {
        ...workOf(input),
        cwd: clean(input.cwd),
        ...simpleCommand(clean(input.effects.shape)),
        programs: set(input.programs),
        reads: set(input.reads),
        writes: set(input.writes),
        removes: set(input.removes),
        hosts: set(input.hosts),
      };
    case 'readFile':
    case 'writeFile':
    case 'deleteFile': {
      const path = clean(input.path);
      return { ...workOf(input), path, name: path.slice(path.lastIndexOf('/') + 1), inWorkspace: input.inWorkspace };
    }
    case 'callTool':
      return {
        agent: clean(input.agent),
        tool: clean(input.tool),
        form: clean(callForm(input.tool, input.server, input.effects.shape)),
        arguments: set(input.arguments),
        readOnly: input.readOnly,
        destructive: input.destructive,
      };
    case 'sendPrompt':
      return workOf(input);
  }
}

const workOf = ({ model, workspace }: { model: string; workspace: string }) => ({
  model: clean(model),
  workspace: clean(workspace),
});

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

import type { Operation } from '../../../gateway/contract/operation.ts';
import type { Session } from '../../../gateway/contract/session.ts';
import { strings } from '../strings.ts';

/** Who → what → where, each as text from outside: show it through `Visible` or `visibleString`. */
export interface OperationLine {
  who: string;
  what: string;
  where: string;
}

/** Programs that only pass a command on: the one above them is what started the client. */
const SHELLS = new Set(['sh', 'bash', 'dash', 'zsh', 'fish', 'env', 'sudo', 'timeout', 'setsid']);

export function operationPlace(operation: Operation): string {
  const t = strings.approvals;
  return operation.protocol === 'postgres'
    ? t.where(operation.connectionId, operation.database, operation.role)
    : operation.place === operation.connectionId || operation.place === ''
      ? operation.connectionId
      : t.whereAction(operation.connectionId, operation.place);
}

/** Where a session was: of PostgreSQL a database and a role, of others a place such as a folder. */
export function sessionPlace({ protocol, connectionId, database, role }: Session): string {
  const t = strings.approvals;
  if (protocol === 'postgres') return t.where(connectionId, database, role);
  return database === '' ? connectionId : t.whereAction(connectionId, database);
}

export function operationLine(operation: Operation): OperationLine {
  const t = strings.approvals;
  const { agent } = operation;
  const pid = agent.pid === null ? '' : t.pid(agent.pid);
  const starter = agent.parents.find((parent) => parent.pid > 1 && !SHELLS.has(parent.name));
  const started = starter === undefined ? '' : t.startedBy(starter.name);
  const what = [...new Set(operation.effects.ops)].join(', ');
  return {
    who: `${agent.name}${pid}${started}${t.for(operation.identity.display)}`,
    what: what === '' ? strings.classes[operation.effects.class] : what,
    where: operationPlace(operation),
  };
}

import type { SiemDecision, SiemSession, SiemStatement } from './event.ts';
import type { Json } from './jcs.ts';

/** Objects that records of several classes have. */
export type OcsfRecord = { [name: string]: Json | undefined };

export const MAX_LIST = 256;

export const ms = (at: number): number => Math.floor(at / 1000);

export function user({ identity }: SiemSession): OcsfRecord {
  return {
    uid: identity.subject,
    name: identity.display,
    groups: identity.groups.slice(0, MAX_LIST).map((name) => ({ name })),
  };
}

export function actor(session: SiemSession): OcsfRecord {
  const { agent, applicationName } = session;
  const parent = agent.parents[0];
  return {
    user: user(session),
    process: {
      name: agent.name,
      pid: agent.pid ?? undefined,
      parent_process: parent === undefined ? undefined : { name: parent.name, pid: parent.pid },
    },
    session: session.id === null ? undefined : { uid: session.id },
    application: applicationName === '' ? undefined : { name: applicationName },
  };
}

/** The ai_operation profile. The gateway sees an agent by its process and credential; model and version where it says so. */
export function operation(session: SiemSession, grantId: string | null): OcsfRecord {
  const { agent, identity } = session;
  return {
    ai_agent: {
      uid: `${identity.subject}/${agent.name}`,
      name: agent.name,
      instance_uid: session.conversationId ?? session.id ?? undefined,
      type_id: 0,
      type: 'Unknown',
      version: agent.version,
      ai_model:
        agent.model === undefined
          ? undefined
          : { model_name: agent.model.name, name: agent.model.name, ai_provider: agent.model.provider },
    },
    delegation:
      grantId === null ? undefined : { uid: grantId, issuer_uid: 'countersign', scopes: [session.connection.id] },
  };
}

const isIp = (host: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || host.includes(':');

/** The agent reaches the gateway over loopback only. */
export const source = (session: SiemSession): OcsfRecord => ({
  ip: '127.0.0.1',
  uid: session.device ?? undefined,
  name: session.agent.name,
});

export function target({ connection }: SiemSession): OcsfRecord {
  const { host, port } = connection;
  const address = host.startsWith('/') ? { name: host } : isIp(host) ? { ip: host } : { hostname: host };
  return { ...address, port, svc_name: 'postgresql', uid: connection.id };
}

export const DISPOSITIONS: Readonly<
  Record<SiemStatement['verdict'], readonly [action: number, id: number, caption: string]>
> = {
  allowed: [1, 1, 'Allowed'],
  'asked-approved': [1, 8, 'Approved'],
  'asked-denied': [2, 25, 'Rejected'],
  'asked-expired': [2, 2, 'Blocked'],
  denied: [2, 2, 'Blocked'],
  observed: [1, 17, 'Logged'],
};

export function control(
  [action, id, caption]: readonly [number, number, string],
  event: SiemStatement | SiemDecision,
): OcsfRecord {
  const policies = event.policyIds
    .slice(0, MAX_LIST)
    .map((name) => ({ name, uid: `${event.session.policyHash}/${name}` }));
  return {
    action_id: action,
    action: ['Unknown', 'Allowed', 'Denied'][action],
    disposition_id: id,
    disposition: caption,
    is_alert: false,
    policy: policies[0],
    authorizations: policies.map((policy) => ({ decision: caption.toLowerCase(), policy })),
  };
}

export function status(failed: boolean, code: string | null, detail: string | null): OcsfRecord {
  return {
    status_id: failed ? 2 : 1,
    status: failed ? 'Failure' : 'Success',
    status_code: code ?? undefined,
    status_detail: detail ?? undefined,
  };
}

export function datastore(session: SiemSession): OcsfRecord {
  return {
    actor: actor(session),
    database: { name: session.database, uid: session.connection.id, type_id: 1, type: 'Relational' },
    type_id: 1,
    type: 'Database',
    src_endpoint: source(session),
    dst_endpoint: target(session),
  };
}

import { assertNever } from '../../contract/errors.ts';
import {
  eventUid,
  type SiemAlert,
  type SiemDecision,
  type SiemEvent,
  type SiemSession,
  type SiemSessionClosed,
  type SiemSignIn,
  type SiemStatement,
} from './event.ts';
import { canonicalJson } from './jcs.ts';
import {
  actor,
  control,
  DISPOSITIONS,
  datastore,
  MAX_LIST,
  ms,
  type OcsfRecord,
  operation,
  source,
  status,
  target,
  user,
} from './ocsf-objects.ts';

export interface OcsfOptions {
  /** Of Countersign. */
  version: string;
  sha256(bytes: Uint8Array): Uint8Array;
}

const OCSF_VERSION = '1.9.0';
const LONGEST_TEXT = 65_536;
const utf8 = new TextEncoder();

/**
 * One event as a record of OCSF 1.9: Datastore Activity (6005), Authentication (3002) or Detection
 * Finding (2004), with the profiles ai_operation and security_control where their class has them, and
 * record_integrity. Source: https://schema.ocsf.io/1.9.0
 *
 * The attestation's fingerprint is over the record itself, canonical as in RFC 8785 without that
 * fingerprint; it is not signed. What is signed is the recording: `unmapped.countersign` names session,
 * event and leaf hash, by which the record is checked against it.
 */
export function toOcsf(event: SiemEvent, options: OcsfOptions): OcsfRecord {
  const record = withCommon(event, bodyOf(event), options);
  return attested(record, event.session, options);
}

interface Body {
  class: readonly [uid: number, name: string, category: number, categoryName: string];
  activity: readonly [id: number, name: string];
  severity: number;
  profiles: readonly string[];
  fields: OcsfRecord;
  /** For `unmapped.countersign`. */
  own: OcsfRecord;
}

const DATASTORE = [6005, 'Datastore Activity', 6, 'Application Activity'] as const;
const AUTHENTICATION = [3002, 'Authentication', 3, 'Identity & Access Management'] as const;
const DETECTION = [2004, 'Detection Finding', 2, 'Findings'] as const;
const SEVERITIES = ['Unknown', 'Informational', 'Low', 'Medium', 'High', 'Critical'] as const;

function bodyOf(event: SiemEvent): Body {
  switch (event.type) {
    case 'sign-in':
      return signIn(event);
    case 'session-closed':
      return signOff(event);
    case 'statement':
      return statement(event);
    case 'asked':
    case 'decided':
      return decision(event);
    case 'alert':
      return alert(event);
    default:
      return assertNever(event);
  }
}

function withCommon(event: SiemEvent, body: Body, { version }: OcsfOptions): OcsfRecord {
  const [classUid, className, category, categoryName] = body.class;
  const [activity, activityName] = body.activity;
  const { session, evidence } = event;
  return {
    activity_id: activity,
    activity_name: activityName,
    category_uid: category,
    category_name: categoryName,
    class_uid: classUid,
    class_name: className,
    type_uid: classUid * 100 + activity,
    type_name: `${className}: ${activityName}`,
    severity_id: body.severity,
    severity: SEVERITIES[body.severity],
    time: ms(event.at),
    metadata: {
      version: OCSF_VERSION,
      product: { name: 'Countersign', vendor_name: 'Countersign', version },
      profiles: [...body.profiles, 'record_integrity'],
      uid: eventUid(event),
      original_event_uid: session.id === null || evidence.seq === null ? undefined : `${session.id}/${evidence.seq}`,
      correlation_uid: session.conversationId ?? session.id ?? undefined,
      event_code: event.type,
      log_name: 'countersign',
    },
    ...body.fields,
    unmapped: {
      countersign: {
        session: session.id ?? undefined,
        device: session.device ?? undefined,
        seq: evidence.seq ?? undefined,
        exchange: evidence.exchange ?? undefined,
        leaf_hash: evidence.leafHash ?? undefined,
        policy_hash: session.policyHash,
        protection: session.protection,
        identity_verified: session.identity.verified,
        ...body.own,
      },
    },
  };
}

/** The record_integrity profile: a fingerprint by which an accidental change of the record shows. */
function attested(record: OcsfRecord, session: SiemSession, { sha256 }: OcsfOptions): OcsfRecord {
  const attestation = {
    authority_uid: session.device === null ? undefined : `countersign/device/${session.device}`,
    chain_uid: session.id === null ? undefined : `countersign/session/${session.id}`,
  };
  const digest = sha256(utf8.encode(canonicalJson({ ...record, attestation_list: [attestation] })));
  const fingerprint = { algorithm_id: 3, algorithm: 'SHA-256', value: hex(digest) };
  return { ...record, attestation_list: [{ ...attestation, fingerprint }] };
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

// ---- the classes --------------------------------------------------------------------------------

const CONTROLLED = ['ai_operation', 'security_control'] as const;

function signIn(event: SiemSignIn): Body {
  const { session, refused } = event;
  const failed = refused !== null;
  return {
    class: AUTHENTICATION,
    activity: [1, 'Logon'],
    severity: failed ? 3 : 1,
    profiles: ['ai_operation'],
    fields: {
      ...operation(session, null),
      ...status(failed, null, refused),
      message: `${session.identity.display} by ${session.agent.name} ${failed ? 'was refused' : 'opened a session'} on ${session.connection.id}`,
      actor: actor(session),
      user: user(session),
      auth_protocol_id: 99,
      auth_protocol: 'Countersign token',
      is_remote: false,
      service: { name: session.connection.id, uid: session.connection.id },
      session: session.id === null ? undefined : { uid: session.id },
      src_endpoint: source(session),
      dst_endpoint: target(session),
    },
    own: { database: session.database, role: session.role },
  };
}

function signOff({ session, state, reason, counts }: SiemSessionClosed): Body {
  return {
    class: AUTHENTICATION,
    activity: [2, 'Logoff'],
    severity: state === 'closed' ? 1 : 2,
    profiles: ['ai_operation'],
    fields: {
      ...operation(session, null),
      ...status(false, null, reason),
      message: `Session of ${session.identity.display} on ${session.connection.id} ended: ${reason}`,
      actor: actor(session),
      user: user(session),
      service: { name: session.connection.id, uid: session.connection.id },
      session: { uid: session.id ?? undefined },
      src_endpoint: source(session),
      dst_endpoint: target(session),
    },
    own: {
      state,
      statements: counts.statements,
      asked: counts.asked,
      denied: counts.denied,
      errors: counts.errors,
      rows: counts.rows,
      bytes_up: counts.bytesUp,
      bytes_down: counts.bytesDown,
      masked: { ...counts.masked },
    },
  };
}

/** Captions of 6005's activities by the command's first word. */
const ACTIVITIES: Readonly<Record<string, readonly [number, string]>> = {
  SELECT: [4, 'Query'],
  VALUES: [4, 'Query'],
  TABLE: [4, 'Query'],
  FETCH: [1, 'Read'],
  COPY: [1, 'Read'],
  SHOW: [1, 'Read'],
  UPDATE: [2, 'Update'],
  ALTER: [2, 'Update'],
  INSERT: [5, 'Write'],
  MERGE: [5, 'Write'],
  CREATE: [6, 'Create'],
  DELETE: [7, 'Delete'],
  TRUNCATE: [7, 'Delete'],
  DROP: [7, 'Delete'],
};

function activityOf({ op, class: kind }: SiemStatement): readonly [number, string] {
  const known = ACTIVITIES[/^[A-Z]+/.exec(op.toUpperCase())?.[0] ?? ''];
  if (known === undefined) return [99, op === '' ? kind : op.slice(0, 63)];
  return known[0] === 1 && kind !== 'read' && kind !== 'session' ? [5, 'Write'] : known;
}

function severityOf({ class: kind, verdict }: SiemStatement): number {
  const denied = DISPOSITIONS[verdict][0] === 2;
  if (kind === 'session' || kind === 'read') return denied ? 2 : 1;
  if (kind === 'write') return denied ? 3 : 2;
  return denied ? 4 : 3;
}

function statement(event: SiemStatement): Body {
  const { session, objects, text } = event;
  const table = objects[0];
  return {
    class: DATASTORE,
    activity: activityOf(event),
    severity: severityOf(event),
    profiles: CONTROLLED,
    fields: {
      ...operation(session, event.grantId),
      ...control(DISPOSITIONS[event.verdict], event),
      ...status(event.sqlstate !== null, event.sqlstate, event.errorText?.slice(0, 4096) ?? null),
      ...datastore(session),
      message: `${event.op === '' ? 'Statement' : event.op} (${event.class}) ${event.verdict}${table === undefined ? '' : ` on ${table}`}`,
      table: table === undefined ? undefined : { name: table },
      query_info:
        text === null
          ? undefined
          : {
              query_string: text.slice(0, LONGEST_TEXT).toWellFormed(),
              uid: event.fingerprint,
              query_time: ms(event.at),
              bytes: event.bytesDown ?? undefined,
            },
    },
    own: {
      statement: event.index,
      class: event.class,
      fingerprint: event.fingerprint,
      objects: objects.slice(0, MAX_LIST),
      verdict: event.verdict,
      approval_id: event.approvalId ?? undefined,
      grant_id: event.grantId ?? undefined,
      decided_by: event.decidedBy ?? undefined,
      rows: event.rows,
      held_ms: event.heldMs,
      duration_ms: event.durationMs,
      masked: { ...event.masked },
    },
  };
}

function decision(event: SiemDecision): Body {
  const { session, type, effect } = event;
  const disposition =
    type === 'asked'
      ? ([1, 14, 'Delayed'] as const)
      : effect === 'allow'
        ? ([1, 8, 'Approved'] as const)
        : ([2, 25, 'Rejected'] as const);
  return {
    class: DATASTORE,
    activity: type === 'asked' ? [99, 'Approval asked'] : [99, 'Approval decided'],
    severity: 2,
    profiles: CONTROLLED,
    fields: {
      ...operation(session, event.grantId),
      ...control(disposition, event),
      ...status(false, null, null),
      ...datastore(session),
      message:
        type === 'asked'
          ? 'A statement waits for a person'
          : `A statement was ${effect === 'allow' ? 'approved' : 'not approved'}`,
    },
    own: {
      approval_id: event.approvalId,
      digest: event.digest ?? undefined,
      expires: event.expiresAt === null ? undefined : ms(event.expiresAt),
      decided_by: event.decidedBy ?? undefined,
      channel: event.channel ?? undefined,
      grant_id: event.grantId ?? undefined,
    },
  };
}

function alert(event: SiemAlert): Body {
  const { session, rule, related } = event;
  return {
    class: DETECTION,
    activity: [1, 'Create'],
    severity: { low: 2, medium: 3, high: 4, critical: 5 }[event.severity],
    profiles: [],
    fields: {
      status_id: 1,
      status: 'New',
      is_alert: true,
      message: event.sentence,
      start_time: ms(event.firstAt),
      end_time: ms(event.lastAt),
      finding_info: {
        uid: eventUid(event),
        title: rule.title,
        desc: event.sentence,
        created_time: ms(event.at),
        first_seen_time: ms(event.firstAt),
        last_seen_time: ms(event.lastAt),
        analytic: { type_id: 1, type: 'Rule', uid: rule.id, name: rule.title },
        related_events_count: related.length,
      },
      evidences: [
        {
          actor: actor(session),
          database: { name: session.database, uid: session.connection.id, type_id: 1, type: 'Relational' },
          src_endpoint: source(session),
          dst_endpoint: target(session),
        },
      ],
      resources: [{ uid: session.connection.id, name: session.database, type: 'postgresql' }],
    },
    own: { rule: rule.id, related: related.slice(0, MAX_LIST) },
  };
}

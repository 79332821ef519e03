import { assertNever } from '../../contract/errors.ts';
import { eventUid, type SiemDecision, type SiemEvent, type SiemStatement } from './event.ts';

export interface CefOptions {
  /** Of Countersign. */
  version: string;
}

/** Values above are cut (the CEF implementation standard's own limits are 1,023 and 4,000 characters). */
const LONGEST = 1023;
const LONGEST_CUSTOM = 4000;

/**
 * One event as a line of the Common Event Format, version 0, without a syslog header and without a line
 * end. Nothing of an event ends the line or begins another field.
 */
export function toCef(event: SiemEvent, { version }: CefOptions): string {
  const [signature, name, severity] = headOf(event);
  const head = ['CEF:0', 'Countersign', 'Countersign', version, signature, name, String(severity)];
  const fields = Object.entries({ ...common(event), ...specific(event) })
    .filter(([, value]) => value !== undefined && value !== null && value !== '')
    .map(([key, value]) => `${key}=${extension(String(value), /^c[sn]\d$|^flexString/.test(key))}`);
  return `${head.map(headerField).join('|')}|${fields.join(' ')}`;
}

type Fields = Record<string, string | number | null | undefined>;

const milliseconds = (at: number): number => Math.floor(at / 1000);

function common(event: SiemEvent): Fields {
  const { session, evidence } = event;
  const { identity, agent, connection } = session;
  return {
    rt: milliseconds(event.at),
    externalId: eventUid(event),
    suser: identity.display,
    suid: identity.subject,
    src: '127.0.0.1',
    sproc: agent.name,
    spid: agent.pid,
    ...destination(connection.host),
    dpt: connection.port,
    duser: session.role,
    destinationServiceName: connection.id,
    deviceExternalId: session.device,
    deviceProcessName: 'countersign',
    requestClientApplication: session.applicationName,
    app: connection.kind,
    ...custom('cs1', 'session', session.id),
    ...custom('cs2', 'database', session.database),
    ...custom('cs3', 'policyHash', session.policyHash),
    ...custom('cn1', 'seq', evidence.seq),
    ...custom('cs4', 'leafHash', evidence.leafHash),
  };
}

const destination = (host: string): Fields =>
  /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || host.includes(':') ? { dst: host } : { dhost: host };

function custom(key: string, label: string, value: string | number | null): Fields {
  return value === null || value === '' ? {} : { [key]: value, [`${key}Label`]: label };
}

function headOf(event: SiemEvent): [signature: string, name: string, severity: number] {
  switch (event.type) {
    case 'sign-in':
      return event.refused === null ? ['sign-in', 'Session opened', 1] : ['sign-in-refused', 'Sign-in refused', 5];
    case 'session-closed':
      return ['session-closed', 'Session closed', event.state === 'closed' ? 1 : 4];
    case 'statement':
      return [
        `statement-${event.verdict}`,
        `${event.op === '' ? 'Statement' : event.op} ${event.verdict}`,
        severityOf(event),
      ];
    case 'asked':
      return ['asked', 'Statement waits for a person', 4];
    case 'decided':
      return ['decided', `Statement ${event.effect === 'allow' ? 'approved' : 'not approved'}`, 3];
    case 'alert':
      return [`alert-${event.rule.id}`, event.rule.title, { low: 3, medium: 5, high: 8, critical: 10 }[event.severity]];
    default:
      return assertNever(event);
  }
}

function severityOf({ class: kind, verdict }: SiemStatement): number {
  const denied = verdict === 'denied' || verdict === 'asked-denied' || verdict === 'asked-expired';
  if (kind === 'session' || kind === 'read') return denied ? 4 : 1;
  return kind === 'write' ? (denied ? 5 : 3) : denied ? 7 : 6;
}

function specific(event: SiemEvent): Fields {
  switch (event.type) {
    case 'sign-in':
      return {
        act: event.refused === null ? 'allowed' : 'denied',
        outcome: outcome(event.refused !== null),
        reason: event.refused,
      };
    case 'session-closed':
      return {
        act: 'closed',
        reason: event.reason,
        in: event.counts.bytesDown,
        out: event.counts.bytesUp,
        cnt: event.counts.statements,
        ...custom('cn2', 'rows', event.counts.rows),
        ...custom('cn3', 'denied', event.counts.denied),
        ...custom('flexString1', 'masked', counted(event.counts.masked)),
      };
    case 'statement':
      return {
        act: event.verdict,
        outcome: outcome(event.sqlstate !== null),
        cat: event.class,
        reason: event.sqlstate,
        in: event.bytesDown,
        msg: event.text,
        ...custom('cn2', 'rows', event.rows),
        ...custom('cn3', 'statement', event.index),
        ...custom('cs5', 'objects', event.objects.join(', ')),
        ...custom('cs6', 'decision', decision(event)),
        ...custom('flexString1', 'masked', counted(event.masked)),
        ...custom('flexString2', 'fingerprint', event.fingerprint),
      };
    case 'asked':
    case 'decided':
      return {
        act: event.type === 'asked' ? 'asked' : event.effect,
        ...custom('cs6', 'decision', decision(event)),
        ...custom('flexString2', 'digest', event.digest),
        end: event.expiresAt === null ? undefined : milliseconds(event.expiresAt),
      };
    case 'alert':
      return {
        act: 'alert',
        msg: event.sentence,
        start: milliseconds(event.firstAt),
        end: milliseconds(event.lastAt),
        cnt: event.related.length,
        ...custom('cs6', 'related', event.related.join(', ')),
      };
    default:
      return assertNever(event);
  }
}

const outcome = (failed: boolean): string => (failed ? 'failure' : 'success');

function decision(event: SiemStatement | SiemDecision): string {
  return [
    event.policyIds.length > 0 ? `policies ${event.policyIds.join(', ')}` : '',
    event.approvalId === null ? '' : `approval ${event.approvalId}`,
    event.grantId === null ? '' : `grant ${event.grantId}`,
    event.decidedBy === null ? '' : `by ${event.decidedBy}`,
  ]
    .filter((part) => part !== '')
    .join('; ');
}

const counted = (masked: Readonly<Record<string, number>>): string =>
  Object.entries(masked)
    .map(([entity, count]) => `${entity} ${count}`)
    .join(', ');

/** Controls, and what hides or reorders text: none of it is needed by a SIEM, and some of it acts on terminals. */
const HIDDEN = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const shown = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll('\t', ' ')
    .replaceAll(HIDDEN, (found) => `<${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`);

const headerField = (text: string): string =>
  cut(shown(text).replaceAll('\n', ' '), 512).replaceAll('\\', '\\\\').replaceAll('|', '\\|');

const extension = (text: string, isCustom: boolean): string =>
  cut(shown(text).trim(), isCustom ? LONGEST_CUSTOM : LONGEST)
    .replaceAll('\\', '\\\\')
    .replaceAll('=', '\\=')
    .replaceAll('\n', '\\n');

/** Before escaping, so that no escape is cut in half. */
const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`;

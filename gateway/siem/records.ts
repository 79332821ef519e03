import { hash } from 'node:crypto';
import { assertNever } from '../contract/errors.ts';
import type { SiemDestination } from '../contract/siem.ts';
import { toCef } from './mapping/cef.ts';
import type { SiemAlert, SiemEvent, SiemSession, SiemStatement } from './mapping/event.ts';
import { toOcsf } from './mapping/ocsf.ts';
import type { Gap } from './spool.ts';
import type { SiemRecord } from './transports/transport.ts';

type Wanted = Pick<SiemDestination, 'format' | 'statements' | 'texts'>;

/** Beyond reads that policy allowed and that went well. */
export function isNoteworthy({
  verdict,
  sqlstate,
  class: kind,
}: Pick<SiemStatement, 'verdict' | 'sqlstate' | 'class'>): boolean {
  return verdict !== 'allowed' || sqlstate !== null || (kind !== 'read' && kind !== 'session');
}

export function isWanted(event: SiemEvent, { statements }: Pick<Wanted, 'statements'>): boolean {
  if (event.type !== 'statement' || statements === 'all') return true;
  return statements === 'noteworthy' && isNoteworthy(event);
}

/** An event as a destination has asked for it. */
export function recordOf(event: SiemEvent, { format, texts }: Wanted, version: string): SiemRecord {
  const told = event.type === 'statement' && !texts ? { ...event, text: null, errorText: null } : event;
  const sha256 = (bytes: Uint8Array) => hash('sha256', bytes, 'buffer');
  const text = format === 'cef' ? toCef(told, { version }) : JSON.stringify(toOcsf(told, { version, sha256 }));
  return { text, severity: severityOf(event), at: Math.floor(event.at / 1000), type: event.type };
}

/** RFC 5424, section 6.2.1: 2 critical, 3 error, 4 warning, 5 notice, 6 informational. */
function severityOf(event: SiemEvent): number {
  switch (event.type) {
    case 'alert':
      return { low: 5, medium: 4, high: 3, critical: 2 }[event.severity];
    case 'statement':
      return event.verdict === 'allowed' ? 6 : event.verdict === 'asked-approved' ? 5 : 4;
    case 'sign-in':
      return event.refused === null ? 6 : 4;
    case 'session-closed':
      return event.state === 'closed' ? 6 : 4;
    case 'asked':
      return 5;
    case 'decided':
      return event.effect === 'deny' ? 4 : 5;
    default:
      return assertNever(event);
  }
}

/** What the gateway says of itself has no session. */
export function ownSession(identity: SiemSession['identity'], protection: SiemSession['protection']): SiemSession {
  return {
    id: null,
    device: null,
    identity,
    agent: { pid: null, name: 'countersign', parents: [] },
    conversationId: null,
    connection: { id: 'countersign', kind: 'postgres', host: '127.0.0.1', port: 0 },
    database: '',
    role: '',
    applicationName: 'countersign',
    policyHash: '',
    protection,
  };
}

/** What could not be sent shows in what is. */
export function gapRecord({ count, from, until }: Gap, at: number, session: SiemSession): SiemAlert {
  return own(session, at, {
    rule: { id: 'siem-gap', title: 'Events were not sent' },
    severity: 'high',
    sentence: `${count} events were given up because the spool was full; the recordings have them.`,
    firstAt: from,
    lastAt: until,
  });
}

export function testRecord(at: number, session: SiemSession): SiemAlert {
  return own(session, at, {
    rule: { id: 'siem-test', title: 'A test of the way to the SIEM' },
    severity: 'low',
    sentence: 'Somebody asked Countersign to try whether events arrive.',
    firstAt: at,
    lastAt: at,
  });
}

function own(
  session: SiemSession,
  at: number,
  alert: Pick<SiemAlert, 'rule' | 'severity' | 'sentence' | 'firstAt' | 'lastAt'>,
): SiemAlert {
  return { type: 'alert', at, session, evidence: { seq: null, exchange: null, leafHash: null }, related: [], ...alert };
}

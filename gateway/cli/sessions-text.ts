import { type Session, SessionProtocol, type Statement } from '../contract/session.ts';
import type { RecordedSession } from '../recording/recorded.ts';
import { styled, type TerminalShape } from './terminal/style.ts';
import { visibleLine } from './terminal/visible.ts';

/** What is newer than this program is shown as far as it can be. */
const protocolOf = (kind: string): Session['protocol'] => SessionProtocol.catch('agent').parse(kind);

/** A recorded session as the contract has it. Open ones have no counts of their own yet. */
export function sessionOfRecording({ id, state, info, close }: RecordedSession): Session {
  const counts = close?.counts;
  return {
    id,
    state,
    connectionId: info.connection.id,
    protocol: protocolOf(info.connection.kind),
    database: info.database,
    role: info.user,
    applicationName: info.applicationName,
    identity: info.identity,
    agent: info.agent,
    conversationId: info.conversationId,
    mode: info.connection.mode === 'observe' ? 'observe' : 'enforce',
    openedAt: info.openedAt,
    closedAt: close ? new Date(close.at / 1000).toISOString() : null,
    statements: counts?.statements ?? 0,
    asked: counts?.asked ?? 0,
    denied: counts?.denied ?? 0,
    errors: counts?.errors ?? 0,
    rows: counts?.rows ?? 0,
    bytesUp: counts?.bytesUp ?? 0,
    bytesDown: counts?.bytesDown ?? 0,
    masked: { ...counts?.masked },
  };
}

export function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = count;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

export function milliseconds(ms: number): string {
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** "2026-01-02 03:04:05" in UTC. */
export const when = (iso: string) => iso.slice(0, 19).replace('T', ' ');

const VERDICT_WORDS: Readonly<Record<Statement['verdict'], string>> = {
  allowed: 'allowed',
  'asked-approved': 'asked, approved',
  'asked-denied': 'asked, denied',
  'asked-expired': 'asked, nobody answered',
  denied: 'denied',
  observed: 'observed only',
};

/** The verdict in words, with who, why and how long. */
export function verdictText(statement: Statement, terminal: TerminalShape): string {
  const { verdict, decidedBy, policyIds, heldMs } = statement;
  const words = VERDICT_WORDS[verdict];
  const parts = [
    decidedBy === null ? '' : ` by ${visibleLine(decidedBy)}`,
    heldMs > 0 ? ` after ${milliseconds(heldMs)}` : '',
    verdict !== 'allowed' && policyIds.length > 0 ? ` (${visibleLine(policyIds.join(', '))})` : '',
  ];
  const color =
    verdict === 'allowed' ? 'dim' : verdict === 'asked-approved' || verdict === 'observed' ? 'yellow' : 'red';
  return styled(words + parts.join(''), color, terminal);
}

/** How it ended: the tag, or the error. */
export function outcomeText({ tag, error, rows }: Statement, terminal: TerminalShape): string {
  if (error) {
    const code = error.sqlstate === '' ? '' : `${visibleLine(error.sqlstate)}: `;
    return styled(`ERROR ${code}${visibleLine(error.message)}`, 'red', terminal);
  }
  if (tag !== null) return visibleLine(tag);
  return rows > 0 ? `${plural(rows, 'row')}, more were left` : 'no answer';
}

export function maskedText(masked: Readonly<Record<string, number>>): string {
  return Object.entries(masked)
    .map(([entity, count]) => `${visibleLine(entity)} ${count}`)
    .join(', ');
}

function sessionPlace({ protocol, connectionId, database, role }: Session): string {
  if (protocol === 'postgres') return `${visibleLine(connectionId)}/${visibleLine(database)} as ${visibleLine(role)}`;
  return database === '' ? visibleLine(connectionId) : `${visibleLine(connectionId)} in ${visibleLine(database)}`;
}

/** Who → what → where, then when and how much. */
export function sessionHead(session: Session, terminal: TerminalShape): string[] {
  const { identity, agent } = session;
  const pid = agent.pid === null ? '' : ` (pid ${agent.pid})`;
  const who = `${visibleLine(identity.display)}${identity.verified ? '' : ' (not verified)'}`;
  const application = session.applicationName === '' ? '' : `, ${visibleLine(session.applicationName)}`;
  const lines = [
    `${styled(`Session ${visibleLine(session.id)}`, 'bold', terminal)}  ${session.state}${session.mode === 'observe' ? ', observed only' : ''}`,
    `  ${who} → ${visibleLine(agent.name)}${pid}${application} → ${sessionPlace(session)}`,
    `  ${when(session.openedAt)} to ${session.closedAt === null ? 'now' : when(session.closedAt)} UTC, ${bytes(session.bytesUp)} up, ${bytes(session.bytesDown)} down`,
    `  ${plural(session.statements, 'statement')}, ${session.asked} asked, ${session.denied} denied, ${plural(session.errors, 'error')}, ${plural(session.rows, 'row')}`,
  ];
  const masked = maskedText(session.masked);
  if (masked !== '') lines.push(`  masked: ${masked}`);
  if (session.state === 'incomplete') {
    lines.push('  The gateway ended before it could close this session; what it had recorded is here.');
  }
  return lines;
}

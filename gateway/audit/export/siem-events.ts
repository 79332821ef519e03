import type { DerivedStatement } from '../../pipeline/derive.ts';
import { toBase64 } from '../../recording/format/bytes.ts';
import type { EventLine, Line } from '../../recording/format/lines.ts';
import { leafHash } from '../../recording/format/merkle.ts';
import { bindRun, hasRun, logLines } from '../../recording/log.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import * as recordings from '../../recording/reader.ts';
import type { RecordedExchange, RecordedSession } from '../../recording/recorded.ts';
import { UnitSource } from '../../recording/unit-source.ts';
import type {
  SiemDecision,
  SiemEvent,
  SiemSession,
  SiemSessionClosed,
  SiemStatement,
} from '../../siem/mapping/event.ts';
import { walkSession } from '../../store/walk.ts';

export interface SiemEventsOptions {
  /** Also statement and error texts, which hold values. */
  texts: boolean;
  /** ULID of the device, where it is known. */
  device: string | null;
}

/** One session as what a SIEM is told of it, in order; memory does not grow with the session. */
export async function* siemEvents(folder: string, options: SiemEventsOptions): AsyncGenerator<SiemEvent> {
  const recorded = await recordings.readSession(folder);
  const session = siemSession(recorded, options.device);
  const places = placesOf(folder);
  let place = places.next();
  // What the log says on the way to a line comes before what that line ends.
  const upTo = function* (until: (found: Place) => boolean): Generator<SiemEvent> {
    while (!place.done && !until(place.value)) {
      const event = eventOf(place.value, session);
      if (event !== null) yield event;
      place = places.next();
    }
  };
  let index = 0;
  for await (const { exchange, told } of walkSession(recordings, folder, { unfinished: true })) {
    const number = exchange.exchange;
    if (exchange.complete) yield* upTo((found) => found.ends.has(number));
    const evidence = {
      seq: null,
      leafHash: null,
      ...(exchange.complete && !place.done ? { seq: place.value.line.seq, leafHash: place.value.leaf } : {}),
      exchange: number,
    };
    let part = -1;
    for (const one of told) {
      if (one.type !== 'statement') continue;
      if (one.statement.part === 0) part += 1;
      yield { ...statementOf(one.statement, exchange, part, index, options.texts), session, evidence };
      index += 1;
    }
  }
  yield* upTo(() => false);
}

export function siemSession({ id, info }: RecordedSession, device: string | null): SiemSession {
  const { identity, agent, connection, conversationId, database, user, applicationName, policyHash, protection } = info;
  return {
    id,
    device,
    identity,
    agent,
    conversationId,
    connection: { id: connection.id, kind: 'postgres', host: connection.host, port: connection.port },
    database,
    role: user,
    applicationName,
    policyHash,
    protection,
  };
}

interface Place {
  line: Line;
  /** base64 */
  leaf: string;
  /** Exchanges that ended with it. */
  ends: ReadonlySet<number>;
}

function* placesOf(folder: string): Generator<Place> {
  const source = new UnitSource(folder);
  for (const logged of logLines(folder)) {
    if (logged === null) continue;
    const { line, bytes } = logged;
    const ends = new Set<number>();
    if (hasRun(line))
      for (const entry of bindRun(line, source).map ?? []) if (entry.kind === 'end') ends.add(entry.exchange);
    yield { line, leaf: toBase64(leafHash(p.sha256, bytes)), ends };
  }
}

function eventOf({ line, leaf }: Place, session: SiemSession): SiemEvent | null {
  const common = { at: line.t, session, evidence: { seq: line.seq, exchange: null, leafHash: leaf } };
  if (line.type === 'open') return { ...common, type: 'sign-in', refused: null };
  if (line.type === 'close') {
    const { state, reason, counts } = line;
    const closed: SiemSessionClosed = { ...common, type: 'session-closed', state, reason, counts };
    return closed;
  }
  return line.type === 'event' ? decisionOf(line, common) : null;
}

function decisionOf(
  { name, detail }: EventLine,
  common: Pick<SiemDecision, 'at' | 'session' | 'evidence'>,
): SiemDecision | null {
  if ((name !== 'asked' && name !== 'decided') || detail === null || typeof detail.approvalId !== 'string') return null;
  const text = (member: string): string | null =>
    typeof detail[member] === 'string' ? (detail[member] as string) : null;
  const { policyIds, exchange, effect } = detail;
  return {
    ...common,
    evidence: { ...common.evidence, exchange: typeof exchange === 'number' ? exchange : null },
    type: name,
    approvalId: detail.approvalId,
    digest: text('digest'),
    policyIds: Array.isArray(policyIds) ? policyIds.filter((id) => typeof id === 'string') : [],
    expiresAt: null,
    effect: effect === 'allow' || effect === 'deny' ? effect : null,
    decidedBy: text('decidedBy'),
    channel: text('channel'),
    grantId: text('grantId'),
  };
}

function statementOf(
  statement: DerivedStatement,
  exchange: RecordedExchange,
  part: number,
  index: number,
  texts: boolean,
): Omit<SiemStatement, 'session' | 'evidence'> {
  const facts = exchange.statements[part];
  // A statement that was redacted is told by what the log says of it: its bytes are gone, its outcome is not.
  const gone = statement.error?.sqlstate === '';
  const error = gone ? null : statement.error;
  const sqlstate = gone ? (facts?.error ?? null) : (error?.sqlstate ?? null);
  return {
    type: 'statement',
    at: statement.startedUs,
    index,
    op: statement.op,
    class: statement.class,
    fingerprint: facts?.fingerprint ?? '',
    objects: statement.objects,
    verdict: statement.verdict,
    policyIds: statement.policyIds,
    approvalId: statement.approvalId,
    grantId: facts?.decision.grantId ?? null,
    decidedBy: statement.decidedBy,
    heldMs: statement.heldMs,
    durationMs: statement.durationMs,
    rows: gone ? (facts?.rows ?? 0) : statement.rows,
    bytesDown: exchange.statements.length === 1 ? exchange.bytesDown : null,
    masked: statement.masked,
    sqlstate,
    text: texts ? statement.text : null,
    errorText: texts && error !== null ? error.message : null,
  };
}

import { CountersignError } from '../../contract/errors.ts';
import type { Verification } from '../../contract/session.ts';
import * as recordings from '../../recording/reader.ts';
import type { RecordedSession } from '../../recording/recorded.ts';
import type { SiemSessionClosed, SiemStatement } from '../../siem/mapping/event.ts';
import { siemEvents } from '../export/siem-events.ts';
import {
  REPORT_SEVERITIES,
  type ReportCompleteness,
  type ReportData,
  type ReportFigure,
  type ReportFinding,
  type ReportReference,
  type ReportSession,
  type ReportStatement,
} from './data.ts';
import { NOTES } from './notes.ts';
import { Tallies } from './tally.ts';

export interface ReportInput {
  title: string;
  madeBy: string;
  /** Of Countersign. */
  version: string;
  now: number;
  scope: ReportData['scope'];
  /** What the verification that came before the report said of the devices. */
  completeness: ReportCompleteness;
  /** Statement texts, which hold values. */
  texts: boolean;
  sessions: AsyncIterable<ReportInputSession>;
  signal?: AbortSignal;
}

export interface ReportInputSession {
  folder: string;
  /** Where it is known: the device's name and ULID. */
  device: string | null;
  verification: Verification;
}

const MAX_SESSIONS = 100_000;
const MAX_STATEMENTS = 1000;

/** Reads the sessions once, one statement at a time. Throws REPORT_EMPTY when there is none. */
export async function gatherReport(input: ReportInput): Promise<ReportData> {
  const gathered = new Gathered(input.texts);
  for await (const session of input.sessions) {
    if (gathered.sessions.length >= MAX_SESSIONS)
      throw new CountersignError(
        'REPORT_TOO_LARGE',
        `a report holds at most ${MAX_SESSIONS} sessions; narrow it by time`,
      );
    await gathered.add(session, input.signal);
  }
  if (gathered.sessions.length === 0) throw new CountersignError('REPORT_EMPTY', 'there is no session in this range');
  return {
    v: 1,
    title: input.title,
    madeAt: new Date(input.now).toISOString(),
    madeBy: input.madeBy,
    version: input.version,
    scope: input.scope,
    method: METHOD,
    notChecked: gathered.notChecked(),
    completeness: input.completeness,
    findings: gathered.findings(input.completeness),
    figures: gathered.figures(),
    sessions: gathered.sessions,
    statements: gathered.statements,
    statementsLeft: gathered.statementsLeft,
  };
}

const METHOD = [
  'Each session is a recording that the gateway made while it forwarded: requests, results as the agent saw them, decisions, each bound by its hash into a log that is signed by the session’s key at least once a second.',
  'Each recording was verified before it was read: signatures of all heads, the Merkle tree over all events (RFC 6962), the chain of events, the digest of every unit of requests and results, and the signed sums of its files.',
  'Figures were counted from the recordings themselves, not from an index. Each names the sessions and events it comes from; an event is found in its session by its number, with “countersign sessions show” and in any unpacked bundle.',
  'Values in results are as the agent saw them, after masking. This report holds no result rows.',
];

const MAX_NAMES = 100;

class Gathered {
  readonly sessions: ReportSession[] = [];
  readonly statements: ReportStatement[] = [];
  statementsLeft = 0;
  readonly #texts: boolean;
  readonly #totals = new Tallies();
  readonly #classes = new Tallies();
  readonly #verdicts = new Tallies();
  readonly #people = new Tallies();
  readonly #connections = new Tallies();
  readonly #masked = new Tallies();
  readonly #noted = new Tallies();
  readonly #notChecked = new Set<string>();

  constructor(texts: boolean) {
    this.#texts = texts;
  }

  async add({ folder, device, verification }: ReportInputSession, signal?: AbortSignal): Promise<void> {
    const recorded = await recordings.readSession(folder);
    const session = sessionOf(recorded, device, verification);
    this.sessions.push(session);
    const open: ReportReference = { session: session.id, seq: 0, statement: null };
    this.#totals.of('Sessions').add(1, open);
    this.#people.of(`${session.person} by ${session.agent}`).add(1, open);
    this.#connections.of(`${session.connection}/${session.database} as ${session.role}`).add(1, open);
    this.#note(session, recorded, open);
    for (const { status, sentence } of verification.checks)
      if (status === 'not-checked') this.#notChecked.add(sentence);
    for await (const event of siemEvents(folder, { texts: this.#texts, device: null })) {
      if (signal?.aborted) throw new CountersignError('STOPPED', 'stopped; no report was written');
      if (event.type === 'statement') this.#statement(session, event);
      else if (event.type === 'session-closed') this.#closed(session, event);
    }
  }

  #note(session: ReportSession, { info }: RecordedSession, open: ReportReference): void {
    if (!session.verified) this.#noted.of('unverified').add(1, open);
    if (session.state === 'incomplete') this.#noted.of('incomplete').add(1, open);
    if (session.state === 'open') this.#noted.of('open').add(1, open);
    if (session.protection === 'unprotected') this.#noted.of('unprotected').add(1, open);
    if (!session.verifiedPerson) this.#noted.of('claimed').add(1, open);
    if (info.connection.mode === 'observe') this.#noted.of('observe').add(1, open);
    if (info.connection.masking === 'off') this.#noted.of('unmasked').add(1, open);
    const redacted = session.checks.some(({ name, sentence }) => name === 'units' && sentence.includes('redacted'));
    if (redacted) this.#noted.of('redacted').add(1, open);
  }

  #statement(session: ReportSession, event: SiemStatement): void {
    const place: ReportReference = { session: session.id, seq: event.evidence.seq, statement: event.index };
    this.#totals.of('Statements').add(1, place);
    this.#totals.of('Rows returned or changed').add(event.rows, place);
    if (event.sqlstate !== null) this.#totals.of('Statements that failed').add(1, place);
    this.#classes.of(event.class).add(1, place);
    this.#verdicts.of(event.verdict).add(1, place);
    for (const [entity, count] of Object.entries(event.masked)) this.#masked.of(entity).add(count, place);
    const ran = event.verdict === 'allowed' || event.verdict === 'asked-approved' || event.verdict === 'observed';
    const severe =
      event.class === 'destructive' ||
      event.class === 'privilege' ||
      event.class === 'execute' ||
      event.class === 'unknown';
    if (event.verdict === 'denied') this.#noted.of('denied').add(1, place);
    if (event.verdict === 'asked-denied') this.#noted.of('refused').add(1, place);
    if (event.verdict === 'asked-expired') this.#noted.of('expired').add(1, place);
    if (event.verdict === 'observed') this.#noted.of('observed').add(1, place);
    if (severe && ran && event.verdict === 'allowed') this.#noted.of('severe-unasked').add(1, place);
    if (severe && event.verdict === 'asked-approved') this.#noted.of('severe-approved').add(1, place);
    if (severe || event.verdict !== 'allowed') this.#list(session, event);
    // A session that is open has no counts of its own yet.
    if (session.closedAt === null) {
      session.statements += 1;
      session.rows += event.rows;
    }
  }

  #list(session: ReportSession, event: SiemStatement): void {
    if (this.statements.length >= MAX_STATEMENTS) {
      this.statementsLeft += 1;
      return;
    }
    this.statements.push({
      session: session.id,
      index: event.index,
      seq: event.evidence.seq,
      at: new Date(event.at / 1000).toISOString(),
      op: event.op.slice(0, 256),
      class: event.class,
      verdict: event.verdict,
      decidedBy: event.decidedBy,
      objects: event.objects.slice(0, 20).map((object) => object.slice(0, 256)),
      rows: event.rows,
      sqlstate: event.sqlstate,
      text: event.text?.slice(0, 4000) ?? null,
    });
  }

  #closed(session: ReportSession, { evidence, counts }: SiemSessionClosed): void {
    const place: ReportReference = { session: session.id, seq: evidence.seq, statement: null };
    this.#totals.of('Bytes sent to databases').add(counts.bytesUp, place);
    this.#totals.of('Bytes returned').add(counts.bytesDown, place);
  }

  figures(): ReportFigure[] {
    const out: ReportFigure[] = [];
    const group = (name: string, tallies: Tallies) => {
      let n = 0;
      for (const [label, tally] of tallies) {
        if (n++ >= MAX_NAMES) break;
        out.push({
          id: `f${out.length + 1}`,
          group: name,
          label: label.slice(0, 200),
          value: tally.count,
          unit: label.startsWith('Bytes') ? 'bytes' : 'count',
          evidence: tally.evidence,
        });
      }
    };
    group('Totals', this.#totals);
    group('Statements by class', this.#classes);
    group('Statements by decision', this.#verdicts);
    group('Sessions by person and agent', this.#people);
    group('Sessions by database', this.#connections);
    group('Masked values by type', this.#masked);
    return out;
  }

  findings(completeness: ReportCompleteness): ReportFinding[] {
    const out: ReportFinding[] = [];
    if (completeness.status === 'incomplete') {
      out.push({
        id: 'completeness',
        severity: 'high',
        title: 'Evidence is missing',
        sentence: completeness.sentence,
        evidence: { first: [], more: 0 },
      });
    }
    for (const { key, severity, title, sentence } of NOTES) {
      const tally = this.#noted.of(key);
      if (tally.count > 0)
        out.push({ id: key, severity, title: `${title} (${tally.count})`, sentence, evidence: tally.evidence });
    }
    const rank = (finding: ReportFinding) => REPORT_SEVERITIES.indexOf(finding.severity);
    return out.sort((a, b) => rank(a) - rank(b));
  }

  notChecked(): string[] {
    return [
      ...this.#notChecked,
      'What a compromised recorder left out before it was hashed: compare with the database’s own log.',
    ].slice(0, 100);
  }
}

function sessionOf(
  { id, state, info, close }: RecordedSession,
  device: string | null,
  verification: Verification,
): ReportSession {
  const counts = close?.counts;
  return {
    id,
    device,
    openedAt: info.openedAt,
    closedAt: close === null ? null : new Date(close.at / 1000).toISOString(),
    state,
    person: info.identity.display,
    verifiedPerson: info.identity.verified,
    agent: info.agent.name,
    connection: info.connection.id,
    database: info.database,
    role: info.user,
    mode: info.connection.mode,
    protection: info.protection,
    policyHash: info.policyHash,
    statements: counts?.statements ?? 0,
    asked: counts?.asked ?? 0,
    denied: counts?.denied ?? 0,
    errors: counts?.errors ?? 0,
    rows: counts?.rows ?? 0,
    bytesUp: counts?.bytesUp ?? 0,
    bytesDown: counts?.bytesDown ?? 0,
    verified: verification.ok,
    checks: verification.checks.slice(0, 100),
  };
}

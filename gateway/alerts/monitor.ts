import { join } from 'node:path';
import type { Alert, AlertAction, AlertRuleView } from '../contract/alert.ts';
import type { Session } from '../contract/session.ts';
import type { NewLogEntry } from '../evidence/format/log-entries.ts';
import type { RecorderSessionInfo } from '../pipeline/ports.ts';
import type { SiemDecision, SiemEvent, SiemSession } from '../siem/mapping/event.ts';
import { isNoteworthy, ownSession } from '../siem/records.ts';
import { openAlertBook } from './book.ts';
import type { Fired } from './engine.ts';
import { verdictOfEvent } from './event.ts';
import { loadAlertRules } from './rules-file.ts';
import type { RecordingTap } from './tap.ts';
import { createAlertWatch } from './watch.ts';

export interface MonitorDeps {
  home: string;
  siem: {
    happened(event: SiemEvent): void;
    wants(statements: 'noteworthy' | 'all'): boolean;
    readonly wantsTexts: boolean;
  };
  /** The device's ULID; null while it belongs to no organisation. */
  device(): string | null;
  /** The session as it is now, for its counters. */
  sessionOf(id: string): Session | null;
  /** Tells open consoles and notifications. */
  publish(alert: Alert): void;
  /** An entry of the device's log. */
  logged(entry: Extract<NewLogEntry, { type: 'alert' }>): void;
  endSession(id: string, reason: string): void;
  onProblem(sentence: string): void;
  now(): number;
  protection: SiemSession['protection'];
}

export interface Monitor {
  tap: RecordingTap;
  /** A client was turned away before it had a session. */
  refused(reason: string): void;
  rules(): AlertRuleView[];
  history(page: { offset: number; limit: number }): { items: Alert[]; total: number };
  /** Why what a session runs waits for a person, after an alert that pauses; null when it does not. */
  heldBecause(sessionId: string): string | null;
  /** A person lets it go on. @returns false when it was not held. */
  resume(sessionId: string): boolean;
  /** Statements that the rules did not look at. */
  readonly missed: number;
  close(): void;
}

/** Whoever can reach the port can be refused as often as he likes; the rest of a minute's are counted in the next. */
const REFUSALS_A_MINUTE = 60;
/** Nobody proved who he is. */
const NOBODY = { subject: 'unknown', display: 'unknown', kind: 'local', verified: false, groups: [] } as const;

/**
 * What is recorded, told to the alert rules and to the SIEM. Errors: ALERT_RULES_BROKEN, ALERT_RULE_BROKEN:
 * a gateway whose rules cannot be read does not start, since nobody would know that it does not watch.
 */
export function createMonitor(deps: MonitorDeps): Monitor {
  const { home, siem } = deps;
  const rules = loadAlertRules(join(home, 'alerts.json'));
  const book = openAlertBook(join(home, 'alerts.db'));
  const watch = createAlertWatch({ rules, book, onAlert: raise, onProblem: deps.onProblem });
  const sessions = new WeakMap<RecorderSessionInfo, SiemSession>();
  const held = new Map<string, string>();

  function siemSession(info: RecorderSessionInfo): SiemSession {
    let session = sessions.get(info);
    if (!session) {
      session = siemSessionOf(info, deps.device());
      sessions.set(info, session);
    }
    return session;
  }

  const acts: Record<AlertAction, (alert: Alert, fired: Fired) => void> = {
    // Consoles and notifications are told of every alert, and look at its actions.
    notify: () => {},
    siem: (alert, fired) => siem.happened(alertEvent(alert, fired, siemSession(fired.event.session))),
    'pause-session': ({ sessionId, rule }) => hold(sessionId, `This session raised the alert “${rule.title}”.`),
    'end-session': ({ sessionId, rule }) => deps.endSession(sessionId, `the alert “${rule.title}” ended this session`),
  };

  /** Ends with the session, so there are no more than open sessions. */
  function hold(sessionId: string, why: string): void {
    if (deps.sessionOf(sessionId)) held.set(sessionId, why);
  }

  function raise(alert: Alert, fired: Fired): void {
    const { rule, sessionId, exchange, severity } = alert;
    deps.logged({ type: 'alert', rule: rule.id, sid: sessionId, exchange: exchange ?? 0, severity });
    deps.publish(alert);
    for (const action of alert.actions) acts[action](alert, fired);
  }

  const common = (info: RecorderSessionInfo, at: number, exchange: number | null = null) => ({
    at,
    session: siemSession(info),
    evidence: { seq: null, exchange, leafHash: null },
  });

  const tap: RecordingTap = {
    opened(session, at) {
      const openedAt = Date.parse(session.openedAt) * 1000;
      watch.happened({ kind: 'session-opened', at: openedAt, session, exchange: null, statement: null });
      siem.happened({ type: 'sign-in', ...common(session, at), refused: null });
    },
    statement(session, { exchange, index, startedAt, endedAt }, statement) {
      const event = {
        kind: 'statement' as const,
        at: startedAt + statement.heldMs * 1000,
        session,
        exchange,
        statement,
      };
      watch.happened(event);
      const verdict = verdictOfEvent(event);
      const noteworthy = isNoteworthy({ verdict, sqlstate: statement.error, class: statement.class });
      if (!siem.wants(noteworthy ? 'noteworthy' : 'all')) return;
      siem.happened({
        type: 'statement',
        ...common(session, startedAt, exchange),
        index,
        op: statement.op,
        class: statement.class,
        fingerprint: statement.fingerprint,
        objects: statement.objects,
        verdict,
        policyIds: statement.decision.verdict.policyIds,
        approvalId: statement.decision.approvalId,
        grantId: statement.decision.grantId,
        decidedBy: statement.decision.decidedBy,
        heldMs: statement.heldMs,
        durationMs: (endedAt - startedAt) / 1000,
        rows: statement.rows,
        bytesDown: null,
        masked: statement.masked ?? {},
        sqlstate: statement.error,
        text: siem.wantsTexts ? statement.text : null,
        errorText: null,
      });
    },
    event(session, at, type, detail) {
      if (type !== 'asked' && type !== 'decided') return;
      const {
        approvalId = '',
        digest,
        policyIds,
        effect,
        decidedBy,
        channel,
        grantId,
      } = detail as Partial<SiemDecision>;
      siem.happened({
        type,
        ...common(session, at),
        approvalId,
        digest: digest ?? null,
        policyIds: policyIds ?? [],
        expiresAt: null,
        effect: effect ?? null,
        decidedBy: decidedBy ?? null,
        channel: channel ?? null,
        grantId: grantId ?? null,
      });
    },
    closed(session, at, reason) {
      held.delete(session.id);
      const now = deps.sessionOf(session.id);
      const {
        statements = 0,
        asked = 0,
        denied = 0,
        errors = 0,
        rows = 0,
        bytesUp = 0,
        bytesDown = 0,
        masked = {},
      } = now ?? {};
      const counts = { statements, asked, denied, errors, rows, bytesUp, bytesDown, masked: { ...masked } };
      siem.happened({ type: 'session-closed', ...common(session, at), state: 'closed', reason, counts });
    },
  };

  let refusals = { minute: 0, told: 0, left: 0 };

  function refused(reason: string): void {
    const minute = Math.floor(deps.now() / 60_000);
    if (minute !== refusals.minute) refusals = { minute, told: 0, left: refusals.left };
    if (refusals.told >= REFUSALS_A_MINUTE) {
      refusals.left += 1;
      return;
    }
    const more = refusals.left > 0 ? ` (${refusals.left} more were refused before)` : '';
    refusals = { minute, told: refusals.told + 1, left: 0 };
    siem.happened({
      type: 'sign-in',
      at: deps.now() * 1000,
      session: ownSession({ ...NOBODY, groups: [] }, deps.protection),
      evidence: { seq: null, exchange: null, leafHash: null },
      refused: `${reason}${more}`,
    });
  }

  return {
    tap,
    refused,
    rules: () => rules.list(),
    history: (page) => book.history(page),
    heldBecause: (sessionId) => held.get(sessionId) ?? null,
    resume: (sessionId) => held.delete(sessionId),
    get missed() {
      return watch.missed;
    },
    close() {
      watch.close();
      book.close();
    },
  };
}

function siemSessionOf(info: RecorderSessionInfo, device: string | null): SiemSession {
  const { id, identity, agent, conversationId, connection, database, user, applicationName, policyHash, protection } =
    info;
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

function alertEvent(alert: Alert, { event, firstAt, lastAt }: Fired, session: SiemSession): SiemEvent {
  const { rule, severity, sentence, related, exchange } = alert;
  const evidence = { seq: null, exchange, leafHash: null };
  return { type: 'alert', at: event.at, session, evidence, rule, severity, sentence, related, firstAt, lastAt };
}

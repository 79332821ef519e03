import type { Alert } from '../contract/alert.ts';
import type { Approval } from '../contract/decision.ts';
import { isCountersignError } from '../contract/errors.ts';
import type { DecisionInput } from '../pipeline/ports.ts';
import { Board } from './board/board.ts';
import type { NotificationDaemon } from './board/service.ts';
import { connectDaemon, type DaemonLink } from './daemon.ts';
import { sessionBusPath } from './dbus/address.ts';

/** Native notifications of what waits and of alerts. Nothing here throws or is waited for. */
export interface Notifications {
  /** Do they work, and if not, why: a sentence without capital and full stop. */
  readonly status: { ok: boolean; sentence: string };
  approvalChanged(approval: Approval): void;
  alertRaised(alert: Alert): void;
  /** Takes away what is shown. */
  close(): void;
}

export interface NotificationsDeps {
  wanted: boolean;
  protection: 'protected' | 'unprotected';
  platform: NodeJS.Platform;
  env: NodeJS.ProcessEnv;
  uid: number;
  now(): number;
  /** Runs once after so many milliseconds; returns what cancels it. */
  schedule(milliseconds: number, run: () => void): () => void;
  /** The approvals' own. */
  decide(input: DecisionInput): void;
  person: string;
  consoleUrl(): string;
  /** Opens the console in a browser; null where there is no screen for one. */
  open: (() => void) | null;
  /** Sentences for the log. */
  log(level: 'info' | 'warn', sentence: string): void;
  onStatus(): void;
  /** For tests. */
  connect?: typeof connectDaemon;
  busPath?: typeof sessionBusPath;
}

export function createNotifications(deps: NotificationsDeps): Notifications {
  const reason = whyNot(deps);
  return reason === null ? new DesktopNotifications(deps) : off(reason);
}

function whyNot({ wanted, protection, platform }: NotificationsDeps): string | null {
  if (!wanted) return 'switched off';
  if (platform !== 'linux') return 'without the desktop app they are there on Linux only';
  // A bus that lets another user's service in would have that user's programs decide.
  if (protection === 'protected') {
    return 'in protected mode the gateway is a user of its own, which has no desktop: decide in the console';
  }
  return null;
}

function off(sentence: string): Notifications {
  return { status: { ok: false, sentence }, approvalChanged: () => {}, alertRaised: () => {}, close: () => {} };
}

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

class DesktopNotifications implements Notifications {
  status = { ok: false, sentence: 'not connected yet' };
  readonly #deps: NotificationsDeps;
  readonly #board: Board;
  #link: DaemonLink | null = null;
  #cancelRetry: (() => void) | null = null;
  #retryMs = FIRST_RETRY_MS;
  #trying = false;
  #said = false;
  #closed = false;

  constructor(deps: NotificationsDeps) {
    this.#deps = deps;
    const { now, open, consoleUrl, schedule, log } = deps;
    this.#board = new Board({
      now,
      open,
      consoleUrl,
      schedule,
      onProblem: (sentence) => log('warn', sentence),
      decide: ({ id, operation }, decision) =>
        deps.decide({
          approvalId: id,
          digest: operation.digest,
          decision,
          scope: { kind: 'once' },
          message: null,
          channel: 'notification',
          level: 'click',
          decidedBy: deps.person,
        }),
    });
    // Whoever is told of the status asks for it here, so it has to have this first.
    queueMicrotask(() => void this.#try());
  }

  approvalChanged(approval: Approval): void {
    this.#board.approvalChanged(approval);
  }

  alertRaised(alert: Alert): void {
    this.#board.alertRaised(alert);
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#board.closeAll();
    this.#link?.end();
  }

  async #try(): Promise<void> {
    if (this.#trying || this.#closed) return;
    this.#trying = true;
    try {
      this.#link ??= await this.#connect();
      if (this.#closed) this.#link.end();
      else await this.#link.wake();
    } catch (error) {
      const known = isCountersignError(error);
      this.#down(known ? error.message : `the session bus cannot be used: ${String(error)}`);
    } finally {
      this.#trying = false;
    }
  }

  #connect(): Promise<DaemonLink> {
    const { env, uid, connect = connectDaemon, busPath = sessionBusPath } = this.#deps;
    return connect(busPath(env, uid), uid, {
      arrived: (daemon) => this.#up(daemon),
      gone: (sentence) => this.#down(sentence),
      invoked: (id, action) => this.#board.invoked(id, action),
      closed: (id) => this.#board.closed(id),
      disconnected: (sentence) => {
        this.#link = null;
        this.#down(sentence);
      },
    });
  }

  #up(daemon: NotificationDaemon): void {
    if (this.#closed) return;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#retryMs = FIRST_RETRY_MS;
    const buttons = daemon.capabilities.has('actions') ? '' : ', which shows no buttons: decide in the console';
    this.#set(true, `by ${daemon.name}${buttons}`);
    this.#board.daemonArrived(daemon);
  }

  #down(sentence: string): void {
    if (this.#closed) return;
    this.#board.daemonGone();
    this.#set(false, sentence);
    if (this.#cancelRetry !== null) return;
    this.#cancelRetry = this.#deps.schedule(this.#retryMs, () => {
      this.#cancelRetry = null;
      void this.#try();
    });
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
  }

  /** Tells the log when they begin or cease to work, and not at each attempt. */
  #set(ok: boolean, sentence: string): void {
    const isNews = !this.#said || ok !== this.status.ok;
    const changed = isNews || sentence !== this.status.sentence;
    this.#said = true;
    this.status = { ok, sentence };
    if (isNews) this.#deps.log('info', ok ? `notifications are shown ${sentence}` : `no notifications: ${sentence}`);
    if (changed) this.#deps.onStatus();
  }
}

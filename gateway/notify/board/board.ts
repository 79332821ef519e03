import type { Alert } from '../../contract/alert.ts';
import type { Approval } from '../../contract/decision.ts';
import {
  alertNotification,
  moreWaitNotification,
  type NotificationSurroundings,
  notificationOf,
} from '../text/notification.ts';
import type { NotificationDaemon } from './service.ts';
import { Slot } from './slot.ts';

export interface BoardDeps {
  now(): number;
  /** A person's click. Throws CountersignError when it decides nothing. */
  decide(approval: Approval, decision: 'approve' | 'deny'): void;
  /** Opens the console; null where nothing can. */
  open: (() => void) | null;
  consoleUrl(): string;
  /** Runs once after so many milliseconds; returns what cancels it. */
  schedule(milliseconds: number, run: () => void): () => void;
  onProblem(sentence: string): void;
}

/** Requests shown at once; the others are counted in one notification more. */
export const MAX_SHOWN = 5;
/**
 * A click on Approve counts only after everything has stood still for so long: what appears or moves
 * under the pointer in the middle of a click was not what the person meant.
 */
export const SETTLE_MS = 500;
/** After the service took a notification not. */
const REST_MS = 10_000;

interface Entry {
  approval: Approval;
  slot: Slot | null;
  /** The person closed it: it waits in the console, and is not shown again. */
  dismissed: boolean;
}

/** What is shown of what waits, and what becomes of clicks on it. */
export class Board {
  readonly #deps: BoardDeps;
  /** Waiting ones, oldest first; the approvals' own limit bounds them. */
  readonly #entries = new Map<string, Entry>();
  #daemon: NotificationDaemon | null = null;
  #more: Slot | null = null;
  #moreDismissed = false;
  #alerts: Slot | null = null;
  #alertCount = 0;
  #movedAt = 0;
  #cancelRest: (() => void) | null = null;

  constructor(deps: BoardDeps) {
    this.#deps = deps;
  }

  approvalChanged(approval: Approval): void {
    const entry = this.#entries.get(approval.id);
    if (approval.state !== 'waiting') {
      this.#entries.delete(approval.id);
      entry?.slot?.close();
    } else if (entry === undefined) {
      this.#entries.set(approval.id, { approval, slot: null, dismissed: false });
    } else {
      entry.approval = approval;
      entry.slot?.show(notificationOf(approval, this.#surroundings()));
    }
    this.#fill();
  }

  /** One notification for all alerts that nobody closed, so that a storm of them is one. */
  alertRaised(alert: Alert): void {
    if (this.#daemon === null || !alert.actions.includes('notify')) return;
    this.#alerts ??= this.#newSlot(this.#daemon);
    this.#alertCount++;
    this.#alerts.show(alertNotification(alert, this.#alertCount, this.#surroundings()));
  }

  daemonArrived(daemon: NotificationDaemon): void {
    this.daemonGone();
    this.#daemon = daemon;
    this.#fill();
  }

  /** Its notifications are gone with it; what waits is shown again by the next one. */
  daemonGone(): void {
    this.#daemon = null;
    this.#cancelRest?.();
    this.#cancelRest = null;
    this.#more = null;
    this.#moreDismissed = false;
    this.#alerts = null;
    this.#alertCount = 0;
    for (const entry of this.#entries.values()) entry.slot = null;
  }

  closeAll(): void {
    for (const { slot } of this.#entries.values()) slot?.close();
    this.#more?.close();
    this.#alerts?.close();
    this.#entries.clear();
    this.daemonGone();
  }

  invoked(id: number, action: string): void {
    const entry = this.#entryOf(id);
    if (action === 'open' || action === 'default') {
      if (entry || this.#isOwn(id)) this.#deps.open?.();
      return;
    }
    if (entry === null || (action !== 'approve' && action !== 'deny')) return;
    const { approval } = entry;
    // A service may send any action of its own; it cannot make a click of what takes more.
    if (action === 'approve' && !this.#offersApprove(approval)) return;
    if (action === 'approve' && this.#deps.now() - this.#movedAt < SETTLE_MS) {
      this.#showAgain(entry);
      return;
    }
    try {
      this.#deps.decide(approval, action);
    } catch (error) {
      this.#deps.onProblem(`a click on a notification decided nothing: ${sentence(error)}`);
    }
  }

  closed(id: number): void {
    if (id === 0) return;
    const entry = this.#entryOf(id);
    if (entry !== null) {
      entry.slot?.vanished();
      entry.slot = null;
      entry.dismissed = true;
      this.#fill();
    } else if (this.#more?.id === id) {
      this.#more.vanished();
      this.#moreDismissed = true;
    } else if (this.#alerts?.id === id) {
      this.#alerts.vanished();
      this.#alertCount = 0;
    }
  }

  /** The service takes a notification away after a click on it, so this is another one. */
  #showAgain(entry: Entry): void {
    entry.slot?.close();
    entry.slot = null;
    this.#fill();
  }

  #offersApprove(approval: Approval): boolean {
    return notificationOf(approval, this.#surroundings()).actions.some(({ key }) => key === 'approve');
  }

  #entryOf(id: number): Entry | null {
    if (id === 0) return null;
    for (const entry of this.#entries.values()) if (entry.slot?.id === id) return entry;
    return null;
  }

  #isOwn(id: number): boolean {
    return id !== 0 && (this.#more?.id === id || this.#alerts?.id === id);
  }

  #fill(): void {
    const daemon = this.#daemon;
    if (daemon === null || this.#cancelRest !== null) return;
    const wanted = [...this.#entries.values()].filter(({ dismissed }) => !dismissed);
    let shown = wanted.filter(({ slot }) => slot !== null).length;
    for (const entry of wanted) {
      if (shown >= MAX_SHOWN) break;
      if (entry.slot !== null) continue;
      entry.slot = this.#newSlot(daemon);
      entry.slot.show(notificationOf(entry.approval, this.#surroundings()));
      shown++;
    }
    this.#countRest(daemon, wanted.length - shown);
  }

  #countRest(daemon: NotificationDaemon, rest: number): void {
    if (rest === 0) {
      this.#more?.close();
      this.#more = null;
      this.#moreDismissed = false;
    } else if (!this.#moreDismissed) {
      this.#more ??= this.#newSlot(daemon);
      this.#more.show(moreWaitNotification(rest, this.#surroundings()));
    }
  }

  #newSlot(daemon: NotificationDaemon): Slot {
    return new Slot(daemon, {
      moved: () => {
        this.#movedAt = this.#deps.now();
      },
      failed: (slot, error) => {
        if (this.#daemon === daemon) this.#rest(slot, error);
      },
    });
  }

  /** A service that takes nothing is not asked again at each change, but after a while. */
  #rest(failed: Slot, error: unknown): void {
    // What is still shown in its older form can be clicked and closed.
    if (failed.id === 0) {
      for (const entry of this.#entries.values()) if (entry.slot === failed) entry.slot = null;
      if (this.#more === failed) this.#more = null;
      if (this.#alerts === failed) this.#alerts = null;
    }
    if (this.#cancelRest !== null) return;
    this.#deps.onProblem(`a notification was not shown: ${sentence(error)}`);
    this.#cancelRest = this.#deps.schedule(REST_MS, () => {
      this.#cancelRest = null;
      this.#fill();
    });
  }

  #surroundings(): NotificationSurroundings {
    return {
      capabilities: this.#daemon?.capabilities ?? new Set(),
      canOpen: this.#deps.open !== null,
      consoleUrl: this.#deps.consoleUrl(),
      now: this.#deps.now(),
    };
  }
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

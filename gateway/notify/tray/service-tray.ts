import type { ApprovalsAdmin } from '../../approvals/approvals.ts';
import type { Session } from '../../contract/session.ts';
import type { GatewayStatus } from '../../contract/status.ts';
import type { Halt } from '../../halt/halt.ts';
import type { TrayAction } from '../text/tray.ts';
import { createTray, type Tray, type TrayDeps } from './tray.ts';

export interface ServiceTrayDeps extends Omit<TrayDeps, 'state' | 'act'> {
  status(): GatewayStatus;
  approvals: Pick<ApprovalsAdmin, 'list' | 'get' | 'decide'>;
  halt: Pick<Halt, 'pause' | 'panic'>;
  person: string;
  /** Opens a page of the console in a browser. */
  open(path: string): void;
}

export interface ServiceTray extends Tray {
  /** Another icon is there for the same gateway: this one goes, and comes back when it is not told so again. */
  hold(held: boolean): void;
  sessionChanged(session: Session): void;
}

const RECENT = 8;
const PANIC_MINUTES = 60;
/** Longer than two times that the app says so. */
export const HOLD_MS = 150_000;

/** The tray over the running gateway: what it shows, and what its menu does. */
export function createServiceTray(deps: ServiceTrayDeps): ServiceTray {
  let sessions: readonly Session[] = [];
  let held: (() => void) | null = null;
  const make = () =>
    createTray({
      ...deps,
      state: () => ({
        status: deps.status(),
        sentence: '',
        waiting: deps.approvals.list({ state: 'waiting', offset: 0, limit: 50 }).items,
        sessions,
        // The gateway is stopped where it was started; without the app there is no popup.
        host: { quits: false, hasPopup: false, autostart: null },
      }),
      act,
    });
  let tray: Tray = make();

  function back(): void {
    held = null;
    tray = make();
  }

  function act(action: TrayAction): void {
    switch (action.do) {
      case 'open':
        deps.open(action.path);
        break;
      case 'deny':
        deps.approvals.decide({
          approvalId: action.approvalId,
          digest: action.digest,
          decision: 'deny',
          scope: { kind: 'once' },
          message: null,
          channel: 'notification',
          level: 'click',
          decidedBy: deps.person,
        });
        break;
      case 'pause':
        deps.halt.pause(action.minutes, deps.person);
        break;
      case 'panic':
        deps.halt.panic(PANIC_MINUTES, deps.person);
        break;
    }
  }

  return {
    changed: () => tray.changed(),
    close() {
      held?.();
      tray.close();
    },
    hold(wanted) {
      if (held === null) {
        if (!wanted) return;
        tray.close();
      } else held();
      held = wanted ? deps.schedule(HOLD_MS, back) : null;
      if (!wanted) back();
    },
    sessionChanged(session) {
      const others = sessions.filter(({ id }) => id !== session.id);
      sessions = [session, ...others].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, RECENT);
      tray.changed();
    },
  };
}

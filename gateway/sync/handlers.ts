import type { ControlHandlers } from '../control/handlers.ts';
import type { Sync } from './sync.ts';

type SyncRoutes =
  | 'syncStatus'
  | 'syncNow'
  | 'pauseSync'
  | 'resumeSync'
  | 'probeSync'
  | 'setUpSync'
  | 'retentionPlan'
  | 'removeRecording'
  | 'holds'
  | 'setHold'
  | 'liftHold';

/** The control API's routes on sync, retention and holds. Presence was established by the server. */
export function createSyncHandlers(sync: Sync): Pick<ControlHandlers, SyncRoutes> {
  return {
    syncStatus: () => sync.status(),
    async syncNow() {
      await sync.now();
      return sync.status();
    },
    async pauseSync() {
      await sync.setPaused(true);
      return sync.status();
    },
    async resumeSync() {
      await sync.setPaused(false);
      return sync.status();
    },
    probeSync: () => sync.probe(),
    async setUpSync({ setup }) {
      await sync.setUp(setup);
      return sync.status();
    },
    retentionPlan: () => sync.keeper.plan(),
    async removeRecording({ id, why }, { decidedBy }) {
      await sync.keeper.removeByHand(id, why, decidedBy);
      return {};
    },
    holds: () => ({ items: sync.keeper.holds.list() }),
    async setHold({ what, why }, { decidedBy }) {
      await sync.keeper.setHold(what, why, decidedBy);
      return { items: sync.keeper.holds.list() };
    },
    async liftHold({ what, why }, { decidedBy }) {
      await sync.keeper.liftHold(what, why, decidedBy);
      return { items: sync.keeper.holds.list() };
    },
  };
}

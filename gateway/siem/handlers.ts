import type { Monitor } from '../alerts/monitor.ts';
import { CountersignError } from '../contract/errors.ts';
import type { ControlHandlers } from '../control/handlers.ts';
import type { Siem } from './siem.ts';

type WatchRoutes = 'resumeSession' | 'alerts' | 'alertRules' | 'siemStatus' | 'putSiem' | 'deleteSiem' | 'testSiem';

/** The control API's routes on alerts and on where events go. */
export function createWatchHandlers(
  monitor: Pick<Monitor, 'history' | 'rules' | 'missed' | 'resume'>,
  siem: Siem,
): Pick<ControlHandlers, WatchRoutes> {
  return {
    alerts: (page) => monitor.history(page),
    alertRules: () => ({ items: monitor.rules(), missed: monitor.missed }),
    resumeSession: ({ id }) => {
      if (!monitor.resume(id)) throw new CountersignError('SESSION_NOT_PAUSED', `Session ${id} is not paused.`);
      return {};
    },
    siemStatus: async () => ({ items: await siem.status() }),
    putSiem: ({ id, destination, secret }) => {
      if (destination.id !== id) throw new CountersignError('SIEM_CONFIG_BROKEN', 'The two ids are not the same.');
      return siem.put(destination, secret ?? null);
    },
    deleteSiem: async ({ id }) => {
      await siem.remove(id);
      return {};
    },
    testSiem: ({ id }) => siem.test(id),
  };
}

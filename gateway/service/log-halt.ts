import type { HaltView } from '../contract/halt.ts';
import type { DeviceLog } from '../evidence/device/ports.ts';

/** Everything stopped at once, and who gave leave back. @param by null: its time was over. */
export function logHalt(log: Pick<DeviceLog, 'append'>, view: HaltView | null, by: string | null): void {
  const kind = view?.kind ?? (by === null ? 'over' : 'resumed');
  const entry = { type: 'halt', kind, until: view?.until ?? '', by: (by ?? '').slice(0, 2000) } as const;
  // What the log does not take is said by its problem, and stops everything.
  void log.append(entry).catch(() => {});
}

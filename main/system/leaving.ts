import type { PowerMonitor } from 'electron';

/** Nobody touched the machine for so long: nobody is there. */
export const IDLE_MINUTES = 30;
const LOOK_MS = 60_000;

export interface LeavingDeps {
  powerMonitor: Pick<PowerMonitor, 'on' | 'getSystemIdleTime'>;
  schedule(milliseconds: number, run: () => void): () => void;
  /** Ends every grant that is for somebody at the desk; resolves also when that failed. */
  endGrants(why: string): Promise<void>;
}

/**
 * Grants are for somebody who is there: they end when the screen is locked, the machine sleeps or stands
 * idle, or the session or the app ends. On Linux nobody tells of a locked screen; the others are told
 * everywhere. Standing grants, which took the PIN, stay.
 */
export function watchLeaving({ powerMonitor, schedule, endGrants }: LeavingDeps): void {
  powerMonitor.on('lock-screen', () => void endGrants('the screen was locked'));
  powerMonitor.on('suspend', () => void endGrants('the machine goes to sleep'));
  powerMonitor.on('user-did-resign-active', () => void endGrants('another user took over'));
  powerMonitor.on('shutdown', () => void endGrants('the machine shuts down'));
  let told = false;
  const look = () => {
    const idle = powerMonitor.getSystemIdleTime() >= IDLE_MINUTES * 60;
    if (idle && !told) void endGrants(`nobody touched the machine for ${IDLE_MINUTES} minutes`);
    told = idle;
    schedule(LOOK_MS, look);
  };
  schedule(LOOK_MS, look);
}

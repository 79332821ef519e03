import type { PowerMonitor } from 'electron';

export interface LeavingDeps {
  powerMonitor: Pick<PowerMonitor, 'on'>;
  /** Ends every grant; resolves also when that failed. */
  endGrants(why: string): Promise<void>;
}

/**
 * Grants are for somebody who is there: they end when the screen is locked, the machine sleeps, or the
 * session or the app ends. On Linux nobody tells of a locked screen; the others are told everywhere.
 */
export function watchLeaving({ powerMonitor, endGrants }: LeavingDeps): void {
  powerMonitor.on('lock-screen', () => void endGrants('the screen was locked'));
  powerMonitor.on('suspend', () => void endGrants('the machine goes to sleep'));
  powerMonitor.on('user-did-resign-active', () => void endGrants('another user took over'));
  powerMonitor.on('shutdown', () => void endGrants('the machine shuts down'));
}

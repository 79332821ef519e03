import type { AgentProcess } from '../contract/identity.ts';
import { createProcScanner } from './proc-scanner.ts';

export interface PeerAddress {
  /** The gateway's own port, and the client's as the gateway's socket sees it. */
  localPort: number;
  remotePort: number;
  remoteAddress: string;
}

export const UNKNOWN_PROCESS: AgentProcess = Object.freeze({ pid: null, name: 'unknown', parents: [] });

/**
 * Finds the process behind a loopback connection as the operating system tells it: a hint for the
 * person, never a boundary. Never throws and never takes longer than about half a second; when it
 * cannot be told in that time, or the gateway may not look at the other user's processes, the answer is
 * UNKNOWN_PROCESS. Linux only (proc(5)); elsewhere the answer is UNKNOWN_PROCESS.
 */
export function createPeerLookup(): (peer: PeerAddress) => Promise<AgentProcess> {
  if (process.platform !== 'linux') return async () => UNKNOWN_PROCESS;
  const scanner = createProcScanner();
  return async (peer) => (await scanner.find(peer)) ?? UNKNOWN_PROCESS;
}

const shared = createPeerLookup();

export function findClientProcess(peer: PeerAddress): Promise<AgentProcess> {
  return shared(peer);
}

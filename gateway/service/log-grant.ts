import type { Grant } from '../contract/decision.ts';
import type { DeviceLog } from '../evidence/device/ports.ts';

/** Its beginning and its end. Neither text nor shape: the log has no place from which they could be redacted. */
export function logGrant(log: Pick<DeviceLog, 'append'>, grant: Grant): void {
  const { id, scope, reach, approvalId, expiresAt, decidedBy, endedAt, revokedAt, uses } = grant;
  if (endedAt === null && uses > 0) return;
  const state = endedAt === null ? 'given' : revokedAt === null ? 'ended' : 'revoked';
  const entry = { id, state, scope, reach, approval: approvalId, until: expiresAt, uses, by: decidedBy } as const;
  // What the log does not take is said by its problem, and stops everything.
  void log.append({ type: 'grant', ...entry }).catch(() => {});
}

import type { Decision } from '../contract/decision.ts';
import type { RecorderSessionInfo } from '../pipeline/ports.ts';

/** An event line is at most 65,535 bytes, so what comes from outside is cut to size, and says that it was. */

const short = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);

const sized = new WeakMap<Decision, Decision>();

export function boundedDecision(decision: Decision): Decision {
  const known = sized.get(decision);
  if (known !== undefined) return known;
  const { verdict } = decision;
  const fits =
    verdict.reason.length <= 2000 && verdict.policyIds.length <= 64 && (decision.message?.length ?? 0) <= 2000;
  const bounded: Decision = fits
    ? decision
    : {
        ...decision,
        message: decision.message === null ? null : short(decision.message, 2000),
        verdict: {
          ...verdict,
          reason: short(verdict.reason, 2000),
          policyIds: verdict.policyIds.slice(0, 64).map((id) => short(id, 100)),
        },
      };
  sized.set(decision, bounded);
  return bounded;
}

/** A decision that other statements may have too: no approval or grant of its own. */
export const isShared = (decision: Decision): boolean =>
  decision.approvalId === null && decision.grantId === null && decision.decidedBy === null;

export function boundedObjects(objects: readonly string[]): { objects: string[]; more?: number } {
  const kept: string[] = [];
  let bytes = 0;
  for (const object of objects) {
    bytes += Buffer.byteLength(object) + 3;
    if (bytes > 12_000) break;
    kept.push(object);
  }
  return kept.length === objects.length ? { objects: kept } : { objects: kept, more: objects.length - kept.length };
}

/** Of a shape, which shares its line with others: the first ones. */
export function shapeObjects(objects: readonly string[]): string[] {
  const kept: string[] = [];
  let bytes = 0;
  for (const object of objects.slice(0, 64)) {
    bytes += Buffer.byteLength(object) + 3;
    if (bytes > 4_000) break;
    kept.push(object);
  }
  return kept;
}

export function boundedInfo(info: RecorderSessionInfo): Record<string, unknown> {
  const kept: string[] = [];
  let bytes = 0;
  for (const group of info.identity.groups) {
    bytes += Buffer.byteLength(group) + 3;
    if (bytes > 24_000) break;
    kept.push(group);
  }
  const left = info.identity.groups.length - kept.length;
  return {
    ...info,
    database: short(info.database, 256),
    user: short(info.user, 256),
    applicationName: short(info.applicationName, 256),
    identity: { ...info.identity, groups: kept },
    ...(left > 0 ? { groupsLeftOut: left } : {}),
  };
}

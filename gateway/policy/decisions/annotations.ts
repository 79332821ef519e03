import { MAX_APPROVALS } from '../../contract/approvers.ts';
import { PRESENCE_LEVELS, type PresenceLevel } from '../../contract/decision.ts';

/** One policy of a set, as far as a verdict needs it. */
export interface PolicyNotes {
  id: string;
  effect: 'permit' | 'forbid';
  /** A forbid that a person can lift, and what the decision has to prove; null: nobody can. */
  require: PresenceLevel | null;
  /** Seconds that a request may wait. */
  expires: number;
  grantable: boolean;
  /** Who has to lift it; null: whoever is at the machine. */
  approvers: { group: string | null; count: number; notRequester: boolean } | null;
  /** A sentence for agent and person; null where the policy gives none. */
  reason: string | null;
}

const DEFAULT_EXPIRY = 600;
const MAX_EXPIRY = 86_400;
const APPROVERS = ['approvers', 'approvals', 'notRequester'] as const;
const KNOWN = ['id', 'require', 'expires', 'grantable', ...APPROVERS, 'reason'];

/** @returns the notes, or sentences on what is wrong with the annotations. */
export function readAnnotations(
  effect: 'permit' | 'forbid',
  annotations: Readonly<Record<string, string | null>>,
): { notes: PolicyNotes; errors: readonly string[] } {
  const errors: string[] = [];
  const id = annotations.id ?? '';
  if (id === '') errors.push('a policy needs an @id("…")');
  else if (!/^[A-Za-z0-9][\w.-]{0,99}$/.test(id))
    errors.push(`the id "${id.slice(0, 100)}" may hold letters, digits, dots, dashes and underscores only`);
  for (const name of Object.keys(annotations))
    if (!KNOWN.includes(name))
      errors.push(`@${name} is not an annotation that Countersign knows (${KNOWN.join(', ')})`);
  const required = annotations.require;
  const level = PRESENCE_LEVELS.find((one) => one === required) ?? null;
  if (required !== undefined && level === null)
    errors.push(`@require takes ${PRESENCE_LEVELS.join(', ')}, not "${required}"`);
  if (required !== undefined && effect === 'permit')
    errors.push('@require belongs on a forbid: it says who may lift it');
  const expires = annotations.expires === undefined ? DEFAULT_EXPIRY : Number(annotations.expires);
  if (!Number.isInteger(expires) || expires < 1 || expires > MAX_EXPIRY)
    errors.push(`@expires takes seconds from 1 to ${MAX_EXPIRY}, not "${annotations.expires}"`);
  const grantable = annotations.grantable;
  if (grantable !== undefined && grantable !== 'yes' && grantable !== 'no')
    errors.push(`@grantable takes yes or no, not "${grantable}"`);
  return {
    notes: {
      id,
      approvers: readApprovers(effect, annotations, errors),
      effect,
      require: level,
      expires,
      grantable: grantable === 'yes',
      reason: annotations.reason ?? null,
    },
    errors,
  };
}

/** Who has to lift a forbid; what is wrong is told in `errors`. */
function readApprovers(
  effect: 'permit' | 'forbid',
  annotations: Readonly<Record<string, string | null>>,
  errors: string[],
): PolicyNotes['approvers'] {
  const given = APPROVERS.filter((name) => annotations[name] !== undefined);
  if (given.length === 0) return null;
  for (const name of given) {
    if (effect === 'permit' || annotations.require === undefined)
      errors.push(`@${name} belongs on a forbid with @require: it says who may lift it`);
  }
  const { approvers: group, approvals, notRequester } = annotations;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a group's name has none
  if (group !== undefined && !/^[^\s\u0000-\u001f](?:[^\u0000-\u001f]{0,254}[^\s\u0000-\u001f])?$/.test(group ?? ''))
    errors.push(`@approvers takes the name of a group, not "${(group ?? '').slice(0, 100)}"`);
  const count = approvals === undefined ? 1 : /^\d$/.test(approvals ?? '') ? Number(approvals) : 0;
  if (count < 1) errors.push(`@approvals takes a number from 1 to ${MAX_APPROVALS}, not "${approvals}"`);
  if (notRequester !== undefined && notRequester !== 'yes' && notRequester !== 'no')
    errors.push(`@notRequester takes yes or no, not "${notRequester}"`);
  if (annotations.grantable === 'yes')
    errors.push(`@grantable("yes") and @${given[0]} exclude each other: what somebody else approves is approved once`);
  return { group: group ?? null, count, notRequester: notRequester === 'yes' };
}

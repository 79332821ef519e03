import type { TrustNote } from '../evidence/format/documents.ts';
import { validAt } from '../evidence/trust/validity.ts';

/** Who may read what leaves the machine; `problem`: nobody may at present, and then nothing leaves it. */
export type Recipients = { recipients: string[]; problem: null } | { recipients: null; problem: string };

/**
 * The auditors and readers whom the trust note names and who are valid now. Without a trust note, or where it names
 * nobody, parts are not encrypted; where it names some and none is valid, nothing goes in the clear instead.
 */
export function recipientsOf(trust: TrustNote | null, now: string): Recipients {
  const named = trust?.auditors ?? [];
  const valid = named.filter((entry) => validAt(entry, now, now).ok).map(({ recipient }) => recipient);
  if (named.length > 0 && valid.length === 0) {
    return {
      recipients: null,
      problem: `Nothing is sent: trust note ${trust?.n} names ${named.length} recipients, and none of them is valid at ${now}.`,
    };
  }
  return { recipients: [...new Set(valid)].sort(), problem: null };
}

export type Leaves = 'sync' | 'local' | 'omit';

/**
 * What becomes of a prompt, a thought or a file's content: the stricter of what the team's trust note and the person say.
 * `omit` is not even recorded; `local` is recorded and never leaves. Both are told by an `omitted` entry of the device's log.
 */
export function leavesTheDevice(
  what: 'prompts' | 'thoughts' | 'files',
  trust: TrustNote | null,
  person: Leaves = 'sync',
): Leaves {
  const order: Leaves[] = ['sync', 'local', 'omit'];
  const team = trust?.sync[what] ?? 'sync';
  return order[Math.max(order.indexOf(team), order.indexOf(person))] as Leaves;
}

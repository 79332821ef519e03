import { CountersignError } from '../contract/errors.ts';
import type { NewLogEntry } from '../evidence/format/log-entries.ts';

export type ReadHow = Extract<NewLogEntry, { type: 'read' }>['how'];

export interface ReadersDeps {
  /** The only subject whose sessions whoever works here may see; null: everybody's. */
  onlySubject(): string | null;
  /** Whose sessions are nobody else's. */
  subject(): string;
  display(): string;
  /** Whose session that is; null where there is no such session. */
  subjectOf(sid: string): Promise<string | null>;
  log(entry: Extract<NewLogEntry, { type: 'read' }>): Promise<void>;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Who may read whose sessions here, and what the device's log is told of it. */
export interface Readers {
  onlySubject(): string | null;
  /** Rejects SESSION_OF_ANOTHER; what is somebody else's and may be read is in the device's log before. */
  open(sid: string): Promise<void>;
  /** Told before it is shown: these sessions are on a page. */
  shown(how: ReadHow, sids: Iterable<string>): Promise<void>;
}

/** A session that is looked at again later is told again. */
const TOLD_AGAIN_MS = 3_600_000;
/** Of one entry; its bytes are bounded. */
const MAX_SIDS = 500;
const MAX_KEPT = 20_000;

export function createReaders(deps: ReadersDeps): Readers {
  const told = new Map<string, number>();
  /** A session never changes hands. */
  const subjects = new Map<string, string>();

  async function subjectOf(sid: string): Promise<string | null> {
    const known = subjects.get(sid);
    if (known !== undefined) return known;
    const found = await deps.subjectOf(sid);
    if (subjects.size >= MAX_KEPT) subjects.clear();
    if (found !== null) subjects.set(sid, found);
    return found;
  }

  async function tell(how: ReadHow, sids: readonly string[]): Promise<void> {
    const at = deps.now();
    const keyOf = (sid: string) => `${deps.subject()}\n${how === 'opened' ? how : 'shown'}\n${sid}`;
    const fresh = sids.filter((sid) => at - (told.get(keyOf(sid)) ?? Number.NEGATIVE_INFINITY) >= TOLD_AGAIN_MS);
    if (fresh.length === 0) return;
    for (let i = 0; i < fresh.length; i += MAX_SIDS)
      await deps.log({ type: 'read', how, sids: fresh.slice(i, i + MAX_SIDS), by: deps.display() });
    if (told.size + fresh.length > MAX_KEPT) told.clear();
    for (const sid of fresh) told.set(keyOf(sid), at);
  }

  return {
    onlySubject: deps.onlySubject,
    async open(sid) {
      const subject = await subjectOf(sid);
      // That there is none is said by whoever looks for it.
      if (subject === null || subject === deps.subject()) return;
      if (deps.onlySubject() !== null)
        throw new CountersignError(
          'SESSION_OF_ANOTHER',
          `Session ${sid} is another person’s: you see your own here. Reading it takes the role auditor; ask one, or ask for a group that gives the role.`,
        );
      await tell('opened', [sid]);
    },
    async shown(how, sids) {
      const others: string[] = [];
      for (const sid of new Set(sids)) if ((await subjectOf(sid)) !== deps.subject()) others.push(sid);
      await tell(how, others);
    },
  };
}

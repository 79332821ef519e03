import { createHash } from 'node:crypto';
import type { SentinelFinding } from '../contract/sentinel.ts';

const MAX_FINDINGS = 200;
/** What was seen in a scan, and not in any for so long, is told anew. */
const QUIET_MS = 10 * 60_000;

type Seen = Pick<SentinelFinding, 'kind' | 'sentence' | 'how'> & {
  /** What makes it the same one again. */
  key: string;
};

/** What was seen, each once, however often it is seen again. */
export class Findings {
  readonly #now: () => number;
  readonly #found = new Map<string, SentinelFinding>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @returns the finding where it is new, or was gone for a while; else null. */
  see({ kind, sentence, how, key }: Seen): SentinelFinding | null {
    const id = createHash('sha256').update(`${kind}\n${key}`).digest('hex').slice(0, 16);
    const at = new Date(this.#now()).toISOString();
    const known = this.#found.get(id);
    const isNew = known === undefined || this.#now() - Date.parse(known.lastAt) > QUIET_MS;
    const finding = {
      id,
      kind,
      sentence,
      how,
      firstAt: known?.firstAt ?? at,
      lastAt: at,
      count: (known?.count ?? 0) + (isNew ? 1 : 0),
    };
    this.#found.delete(id);
    this.#found.set(id, finding);
    if (this.#found.size > MAX_FINDINGS) this.#found.delete(this.#found.keys().next().value!);
    return isNew ? finding : null;
  }

  list(): SentinelFinding[] {
    return [...this.#found.values()].reverse();
  }
}

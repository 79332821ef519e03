import type { KeepingKind, KeepingRules } from '../../contract/sync.ts';
import type { SessionRecorder, StatementSummary } from '../../pipeline/ports.ts';

/** What was withheld of a conversation's recording, for the device's log. */
export interface Withheld {
  what: KeepingKind;
  count: number;
  /** UTF-8, of what was withheld. */
  bytes: number;
  rule: string;
}

type Line = Record<string, unknown>;

interface Place {
  kind: KeepingKind;
  /** Fields of the line as it was asked or said, and of the lines after it. */
  up: readonly string[];
  down: readonly string[];
}

const PLACES: Readonly<Record<string, Place>> = {
  sendPrompt: { kind: 'prompts', up: ['text'], down: [] },
  Thought: { kind: 'thoughts', up: ['text'], down: [] },
  Answer: { kind: 'answers', up: ['text'], down: [] },
  readFile: { kind: 'files', up: ['content'], down: ['content', 'output'] },
  writeFile: { kind: 'files', up: ['before', 'after', 'change'], down: [] },
  /** A patch that deletes a file, too, and changes others. */
  deleteFile: { kind: 'files', up: ['change'], down: [] },
};

const WORDS = { local: 'kept on this device', omit: 'not recorded' } as const;
const RULES = { local: 'kept on the device', omit: 'left out' } as const;

/** How one exchange is kept; null: whole. */
export interface Keeping {
  place: Place;
  how: 'local' | 'omit';
  exchange: number;
  path: string;
}

/**
 * Holds what a conversation says against the team's rules: what is not to leave goes into a recording of its own
 * that stays on this machine, or nowhere; the conversation's recording says that it did, and how long it was.
 */
export class Withholding {
  readonly #rules: () => KeepingRules;
  readonly #open: () => SessionRecorder;
  readonly #sessionId: string;
  #local: SessionRecorder | null = null;
  #next = 0;
  readonly #counts = new Map<string, Withheld>();
  /** Approvals whose text is withheld too. */
  readonly #approvals = new Set<string>();
  readonly #byExchange = new Map<number, Keeping>();

  /** @param open the recording that stays here; called once, when it is needed. */
  constructor(sessionId: string, rules: () => KeepingRules, open: () => SessionRecorder) {
    this.#sessionId = sessionId;
    this.#rules = rules;
    this.#open = open;
  }

  /** Throws what the recorder throws. */
  begin(exchange: number, line: Line): { line: Line; keeping: Keeping | null } {
    const place = PLACES[String(line.event)];
    const how = place === undefined ? 'all' : this.#rules()[place.kind];
    if (place === undefined || how === 'all') return { line, keeping: null };
    const keeping: Keeping = { place, how, exchange, path: typeof line.path === 'string' ? line.path : '' };
    this.#byExchange.set(exchange, keeping);
    return { line: this.#without(keeping, place.up, line), keeping };
  }

  /** Throws what the recorder throws. */
  down(keeping: Keeping | null, line: Line): Line {
    return keeping === null ? line : this.#without(keeping, keeping.place.down, line);
  }

  summary(keeping: Keeping | null, summary: StatementSummary): StatementSummary {
    if (keeping === null || summary.text === null) return summary;
    const { place, how, path } = keeping;
    if (place.kind === 'files') return path === '' || path === summary.text ? summary : { ...summary, text: path };
    return { ...summary, text: `(${summary.text.length} characters, ${WORDS[how]})` };
  }

  ended(exchange: number): void {
    this.#byExchange.delete(exchange);
  }

  /** Whether an event of the recording would tell what is withheld: the text of an operation that a person is asked about. */
  hides(type: string, detail: Record<string, unknown>): boolean {
    if (type === 'asked' && this.#byExchange.has(Number(detail.exchange)))
      this.#approvals.add(String(detail.approvalId));
    return type === 'operation' && this.#approvals.delete(String(detail.approvalId));
  }

  /** Closes the recording that stays here. @returns what was withheld, by kind and rule. */
  async close(reason: string): Promise<Withheld[]> {
    await this.#local?.close(reason);
    return [...this.#counts.values()];
  }

  #without(keeping: Keeping, fields: readonly string[], line: Line): Line {
    const taken = Object.entries(line).filter(([name, value]) => fields.includes(name) && typeof value === 'string');
    if (taken.length === 0) return line;
    const bytes = taken.reduce((sum, [, value]) => sum + Buffer.byteLength(String(value)), 0);
    const { place, how } = keeping;
    const rule = RULES[how];
    const known = this.#counts.get(`${place.kind} ${how}`) ?? { what: place.kind, count: 0, bytes: 0, rule };
    this.#counts.set(`${place.kind} ${how}`, { ...known, count: known.count + 1, bytes: known.bytes + bytes });
    if (how === 'local') this.#keep(keeping, line, Object.fromEntries(taken));
    const names = taken.map(([name]) => name);
    const rest = Object.entries(line).filter(([name]) => !names.includes(name));
    return { ...Object.fromEntries(rest), withheld: { fields: names, bytes, rule } };
  }

  #keep({ exchange, path }: Keeping, line: Line, fields: Line): void {
    this.#local ??= this.#open();
    const number = this.#next++;
    const kept = { of: { session: this.#sessionId, exchange }, event: line.event ?? 'outcome', path, ...fields };
    this.#local.request(number, Buffer.from(`${JSON.stringify(kept)}\n`));
    this.#local.end(number);
  }
}

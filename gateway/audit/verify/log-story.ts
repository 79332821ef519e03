import { LogEntry } from '../../evidence/format/log-entries.ts';
import type { LoggedSession } from '../../recording/logged.ts';

type Entry<T extends LogEntry['type']> = Extract<LogEntry, { type: T }>;

export interface SessionInLog {
  sid: string;
  /** Which session of the device it is, from 1; null where only single entries of its log are here. */
  ordinal: number | null;
  /** Index of the entry. */
  opened: number;
  openedAt: string;
  connection: string;
  identity: string;
  sync: 'all' | 'local';
  key: string;
  open: string;
  heads: { size: number; root: string; where: string }[];
  closed: (Entry<'session-closed'> & { index: number }) | null;
  removed: Entry<'removed'> | null;
  omitted: Entry<'omitted'>[];
}

export interface Gap {
  kind: string;
  from: string;
  until: string;
  minutes: number;
  detail: string;
}

export interface Silence {
  from: string;
  until: string;
  minutes: number;
}

/** Hourly, with leave for a machine under load. */
const SILENT_MS = 75 * 60_000;
const HOUR_MS = 3_600_000;
/** Between a gap's ends and the entries beside it. */
const SLACK_MS = 5 * 60_000;
const MAX_HEADS = 10_000;
/** Of gaps and of silences: each entry is held against those that are there. */
const MAX_GAPS = 5000;

/** What a device's log tells, entry by entry; nothing in it is believed before its checkpoints are verified. */
export class LogStory {
  readonly sessions = new Map<string, SessionInLog>();
  readonly gaps: Gap[] = [];
  /** With their ends in milliseconds. */
  private quiet: { begin: number; end: number; silence: Silence }[] = [];
  /** Keys in the order in which the log names them, with the index of the first entry that is theirs to sign. */
  readonly keys: { from: number; vkey: string }[] = [];
  readonly policies = new Set<string>();
  readonly trust: { at: number; hash: string; index: number }[] = [];
  /** Documents of the device's identity that were there by an entry: index by base64 hash. */
  readonly identities = new Map<string, number>();
  readonly alerts: Entry<'alert'>[] = [];
  readonly holds: Entry<'hold'>[] = [];
  readonly problems: string[] = [];
  /** Entries whose time is later than that of all before them: all that a clock that ran ahead can hide in. */
  readonly times: { index: number; at: number }[] = [];
  device: Entry<'device'> | null = null;
  /** t of the last entry. */
  last: string | null = null;
  /** The gateway said that it stopped, and not that it began again. */
  stopped = false;
  heartbeats = 0;

  get silences(): Silence[] {
    return this.quiet.map(({ silence }) => silence);
  }

  /** @param bytes of the entry at `index`. */
  add(bytes: Uint8Array, index: number): void {
    const entry = this.#parse(bytes, index);
    if (entry === null) return;
    if (entry.n !== index) this.problems.push(`entry ${index} says that it is entry ${entry.n}`);
    const at = Date.parse(entry.t);
    const latest = this.times.at(-1)?.at ?? Number.NEGATIVE_INFINITY;
    if (at > latest + HOUR_MS || index === 0) this.times.push({ index, at });
    this.#quiet(entry);
    this.#take(entry, index);
    this.last = entry.t;
  }

  #parse(bytes: Uint8Array, index: number): LogEntry | null {
    try {
      return LogEntry.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    } catch {
      this.problems.push(`entry ${index} is not one that this program knows`);
      return null;
    }
  }

  /** While the gateway runs there is an entry each hour; a gap that comes later may say why not. */
  #quiet(entry: LogEntry): void {
    const { last } = this;
    if (last === null || this.stopped) return;
    const [begin, end] = [Date.parse(last), Date.parse(entry.t)];
    if (end - begin <= SILENT_MS || this.quiet.length >= MAX_GAPS) return;
    this.quiet.push({ begin, end, silence: { from: last, until: entry.t, minutes: minutes(begin, end) } });
  }

  #gap({ kind, from, until, detail }: Entry<'gap'>, index: number): void {
    const begin = Date.parse(from);
    const end = until === '' ? begin : Date.parse(until);
    if (Number.isNaN(begin) || Number.isNaN(end)) {
      this.problems.push(`entry ${index} tells of a gap and not of when it was`);
      return;
    }
    if (this.gaps.length >= MAX_GAPS) {
      this.problems.push(`entry ${index} tells of more gaps than ${MAX_GAPS}, which are not looked at`);
      return;
    }
    // One that goes on has no end; told again with it, it takes the place of what said so.
    const goesOn = (gap: Gap) =>
      gap.until === '' && gap.kind === kind && gap.from === from && ['', gap.detail].includes(detail);
    const open = this.gaps.findIndex(goesOn);
    if (open >= 0) this.gaps.splice(open, 1);
    this.gaps.push({ kind, from, until, minutes: minutes(begin, end), detail });
    this.quiet = this.quiet.filter((one) => begin > one.begin + SILENT_MS || end < one.end - SLACK_MS);
  }

  #take(entry: LogEntry, index: number): void {
    if (entry.type === 'device') this.#begin(entry, index);
    else if (entry.type === 'gap') this.#gap(entry, index);
    else if (entry.type === 'session-opened') this.#opened(entry, index);
    else if (entry.type === 'session-closed') this.#closed(entry, index);
    else if (entry.type === 'heartbeat') this.#beat(entry);
    else if (entry.type === 'started') {
      this.stopped = false;
      this.policies.add(entry.policy);
    } else if (entry.type === 'stopped') this.stopped = true;
    else if (entry.type === 'policy') this.policies.add(entry.hash);
    else if (entry.type === 'key') this.keys.push({ from: index + 1, vkey: entry.vkey });
    else if (entry.type === 'trust') this.trust.push({ at: entry.at, hash: entry.hash, index });
    else if (entry.type === 'identity') this.identities.set(entry.hash, this.identities.get(entry.hash) ?? index);
    else if (entry.type === 'removed') this.#of(entry.sid, index, (session) => (session.removed = entry));
    else if (entry.type === 'omitted') this.#of(entry.sid, index, (session) => session.omitted.push(entry));
    else if (entry.type === 'alert') this.alerts.push(entry);
    else if (entry.type === 'hold') this.holds.push(entry);
  }

  #begin(entry: Entry<'device'>, index: number): void {
    if (index !== 0) this.problems.push(`entry ${index} begins the log again`);
    else {
      this.device = entry;
      this.keys.push({ from: 0, vkey: entry.vkey });
    }
  }

  #opened(entry: Entry<'session-opened'>, index: number): void {
    if (this.sessions.has(entry.sid)) {
      this.problems.push(`entry ${index} opens session ${entry.sid} again`);
      return;
    }
    const { sid, key, open, connection, identity, sync, t } = entry;
    this.sessions.set(sid, {
      sid,
      ordinal: this.sessions.size + 1,
      opened: index,
      openedAt: t,
      connection,
      identity,
      sync,
      key,
      open,
      heads: [],
      closed: null,
      removed: null,
      omitted: [],
    });
  }

  #closed(entry: Entry<'session-closed'>, index: number): void {
    this.#of(entry.sid, index, (session) => {
      if (session.closed !== null) this.problems.push(`entry ${index} closes session ${entry.sid} again`);
      else session.closed = { ...entry, index };
    });
  }

  #beat(entry: Entry<'heartbeat'>): void {
    this.heartbeats += 1;
    for (const [sid, size, root] of entry.open) {
      const session = this.sessions.get(sid);
      // The oldest of very many are let go of: a later head covers what they cover.
      if (session === undefined || session.heads.at(-1)?.size === size) continue;
      if (session.heads.length === MAX_HEADS) session.heads.shift();
      session.heads.push({ size, root, where: `the head in the heartbeat of ${entry.t}` });
    }
  }

  #of(sid: string, index: number, work: (session: SessionInLog) => unknown): void {
    const session = this.sessions.get(sid);
    if (session === undefined)
      this.problems.push(`entry ${index} speaks of session ${sid}, which the log never opened`);
    else work(session);
  }
}

const minutes = (from: number, until: number): number => Math.round((until - from) / 60_000);

/** As verification of a recording wants it. */
export const loggedSession = (session: SessionInLog): LoggedSession => ({
  key: session.key,
  open: session.open,
  heads: session.heads.filter(({ size }) => size > 0),
  closed: session.closed,
});

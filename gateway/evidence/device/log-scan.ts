import type { LogEntry } from '../format/log-entries.ts';

/** Sessions that a crash may have kept from the log are among the newest. */
const RECENT_SESSIONS = 10_000;

/** What the log says so far: gathered while it is read at a start, in memory that does not grow with it. */
export class LogScan {
  /** Of the last entry; null for a log without any. */
  last: { type: LogEntry['type']; t: string } | null = null;
  /** Of the first one. */
  begun: string | null = null;
  /** The key that the newest entry about keys names. */
  vkey: string | null = null;
  /** The newest trust note taken up. */
  trust = 0;
  /** The gateway was started, and has not said that it stopped. */
  running = false;
  /** When it last said so. */
  stopped: string | null = null;
  /** Opened and not closed. */
  readonly open = new Set<string>();
  /** Observe mode that goes on, with its beginning. */
  readonly observing = new Map<string, string>();
  private readonly recent = new Set<string>();

  see(bytes: Uint8Array): void {
    let entry: LogEntry;
    try {
      entry = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as LogEntry;
    } catch {
      return;
    }
    this.last = { type: entry.type, t: entry.t };
    this.begun ??= entry.t;
    switch (entry.type) {
      case 'device':
      case 'key':
        this.vkey = entry.vkey;
        return;
      case 'trust':
        this.trust = entry.at;
        return;
      case 'started':
        this.running = true;
        return;
      case 'stopped':
        this.running = false;
        this.stopped = entry.t;
        return;
      case 'session-opened':
        this.open.add(entry.sid);
        this.remember(entry.sid);
        return;
      case 'session-closed':
        this.open.delete(entry.sid);
        return;
      case 'gap':
        if (entry.kind !== 'observe') return;
        if (entry.until === '') this.observing.set(entry.detail, entry.from);
        else this.observing.delete(entry.detail);
        return;
    }
  }

  private remember(sid: string): void {
    this.recent.add(sid);
    if (this.recent.size <= RECENT_SESSIONS) return;
    const [oldest] = this.recent;
    this.recent.delete(oldest!);
  }

  /** Whether the log has the opening of a session; sessions older than those it remembers are taken for known. */
  knows(sid: string): boolean {
    if (this.recent.has(sid)) return true;
    const [oldest] = this.recent;
    return this.recent.size === RECENT_SESSIONS && sid < oldest!;
  }
}

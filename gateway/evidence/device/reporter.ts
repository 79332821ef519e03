import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Clock } from '../../pipeline/ports.ts';
import { SUMS_SIGNATURE_NAME, sessionFolder, sessionsDir } from '../../recording/files.ts';
import type { OpenedRecorder } from '../../recording/recorder.ts';
import { closedFact, openedFact, type SessionFact } from '../../recording/session-facts.ts';
import { timeOfUlid } from '../../sessions/ulid.ts';
import type { NewLogEntry } from '../format/log-entries.ts';
import type { Device } from './device.ts';

export interface ReporterOptions {
  device: Device;
  recorder: Pick<OpenedRecorder, 'onFact' | 'onFailure' | 'heads' | 'refuse'>;
  recordingsDir: string;
  clock: Clock;
  /** Milliseconds that only ever grow: what a change of the clock is told by. */
  monotonic(): number;
  every(milliseconds: number, run: () => void): () => void;
  version: string;
  /** Of the machine, or '' where there is no such thing. */
  boot: string;
  protection: 'protected' | 'unprotected';
  /** Whom changes of the policy are put down to. */
  person(): string;
  policyHash(): string;
  configHash(): string;
  /** Connections in observe mode. */
  observing(): string[];
  /** What waits to leave the machine. */
  queued(): { objects: number; bytes: number };
  onProblem(sentence: string): void;
}

export interface Reporter {
  /** Says what happened since the log ended. @param recovered folders of sessions that were closed just now. */
  started(recovered: readonly string[]): Promise<void>;
  policyChanged(): void;
  /** Does what changes the configuration, and says what it was and who did it, even where only a secret is another. */
  change<T>(what: string, by: string, work: () => Promise<T>): Promise<T>;
  stopped(reason: string): Promise<void>;
}

const TICK_MS = 30_000;
const HEARTBEAT_MS = 3_600_000;
/** What a clock may be off by between two ticks without having been set. */
const CLOCK_SLACK_MS = 5000;
const HEADS_PER_ENTRY = 400;
/** One commit of the log takes them all. */
const MISSED_AT_ONCE = 1000;
const DAY_MS = 86_400_000;
const MAX_TEXT = 2000;

const text = (value: string): string => value.slice(0, MAX_TEXT);
const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** Writes into the device's log what the gateway does. What the log does not take is not recorded either. */
export function createReporter(options: ReporterOptions): Reporter {
  const { device, recorder, clock } = options;
  const { log, scan } = device;
  const observing = new Map(scan.observing);
  let policy = '';
  let config = '';
  /** Changes that are being made: what they leave half done is nobody else's. */
  let changing = 0;
  let beat = clock.now();
  let tick = { wall: clock.now(), monotonic: options.monotonic() };
  let stopTicking = () => {};

  log.onFailure((error) => void recorder.refuse(error));
  recorder.onFact((fact) => note(entryOf(fact)));
  recorder.onFailure((sentence) => {
    if (log.problem === null) note(gap('recorder-failed', iso(clock.now()), '', sentence));
  });

  /** A log that failed has said so itself, to the recorder and in the status. */
  function note(entry: NewLogEntry): void {
    log.append(entry).catch((error: Error) => {
      if (log.problem === null) options.onProblem(`the device's log did not take an entry: ${error.message}`);
    });
  }

  function entryOf(fact: SessionFact): NewLogEntry {
    const { type: _, ...rest } = fact;
    if (fact.type === 'closed') return { ...fact, type: 'session-closed' };
    const { connection, identity } = fact;
    return {
      ...(rest as typeof fact),
      type: 'session-opened',
      connection: text(connection),
      identity: text(identity),
    };
  }

  /** Sessions that the log does not have as they are, because the gateway ended before it could say so. */
  function* missed(recovered: readonly string[]): Generator<NewLogEntry> {
    const since = Date.parse(scan.last?.t ?? iso(clock.now())) - DAY_MS;
    const folders = new Set([
      ...foldersSince(options.recordingsDir, iso(since).slice(0, 10)),
      ...[...scan.open].map((sid) => sessionFolder(options.recordingsDir, sid, iso(timeOfUlid(sid) ?? 0))),
      ...recovered,
    ]);
    for (const folder of folders) {
      const sid = basename(folder);
      if (!existsSync(join(folder, SUMS_SIGNATURE_NAME))) continue;
      // Recordings from before there was a log are not in it.
      const isNew = !scan.knows(sid) && (timeOfUlid(sid) ?? 0) >= Date.parse(scan.begun ?? iso(clock.now()));
      if (!isNew && !scan.open.has(sid)) continue;
      try {
        if (isNew) yield entryOf(openedFact(folder));
        yield entryOf(closedFact(folder));
      } catch (error) {
        options.onProblem(`session ${sid} is not in the device's log as it should be: ${(error as Error).message}`);
      }
    }
  }

  function observe(): void {
    const now = new Set(options.observing());
    for (const id of now) {
      if (observing.has(id)) continue;
      observing.set(id, iso(clock.now()));
      note(gap('observe', observing.get(id)!, '', id));
    }
    for (const [id, from] of observing) {
      if (now.has(id)) continue;
      observing.delete(id);
      note(gap('observe', from, iso(clock.now()), id));
    }
  }

  async function heartbeat(): Promise<void> {
    beat = clock.now();
    const heads = await recorder.heads();
    const rest = { queued: options.queued(), trust: device.trust?.note?.n ?? 0 };
    let at = 0;
    do {
      note({ type: 'heartbeat', open: heads.slice(at, at + HEADS_PER_ENTRY), ...rest });
      at += HEADS_PER_ENTRY;
    } while (at < heads.length);
  }

  function onTick(): void {
    const [wall, monotonic] = [clock.now(), options.monotonic()];
    const expected = tick.wall + (monotonic - tick.monotonic);
    tick = { wall, monotonic };
    if (Math.abs(wall - expected) > CLOCK_SLACK_MS) {
      const seconds = Math.round(Math.abs(wall - expected) / 1000);
      const how = wall > expected ? `forward by ${seconds} s, or the machine slept` : `back by ${seconds} s`;
      note(gap('clock-changed', iso(expected), iso(wall), `the clock went ${how}`));
    }
    if (changing === 0) lookForOtherChanges();
    if (wall - beat >= HEARTBEAT_MS || wall < beat) void heartbeat();
  }

  /** Files of the configuration belong to the gateway's user, and so does every program of that user. */
  function lookForOtherChanges(): void {
    const hash = options.configHash();
    if (hash === config) return;
    config = hash;
    note({ type: 'config', hash, by: '', what: 'files that were changed outside of the gateway' });
    observe();
  }

  async function begin(recovered: readonly string[]): Promise<void> {
    const now = iso(clock.now());
    let waiting: Promise<void>[] = [];
    if (scan.running) {
      const torn = log.torn > 0 ? `; ${log.torn} bytes of an entry that was being written were set aside` : '';
      waiting.push(log.append(gap('unclean', scan.last?.t ?? now, now, `the gateway ended without saying so${torn}`)));
    } else if (scan.begun !== null) waiting.push(log.append(gap('stopped', scan.stopped ?? scan.begun, now, '')));
    for (const entry of missed(recovered)) {
      waiting.push(log.append(entry));
      if (waiting.length < MISSED_AT_ONCE) continue;
      await Promise.all(waiting);
      waiting = [];
    }
    policy = options.policyHash();
    config = options.configHash();
    const { version, boot, protection } = options;
    await Promise.all([...waiting, log.append({ type: 'started', version, boot, policy, config, protection })]);
    observe();
    beat = clock.now();
    tick = { wall: clock.now(), monotonic: options.monotonic() };
    stopTicking = options.every(TICK_MS, onTick);
  }

  return {
    async started(recovered) {
      try {
        if (log.problem === null) await begin(recovered);
      } catch (error) {
        // The gateway runs to say so: the recorder refuses everything.
        if (log.problem === null) throw error;
      }
    },
    policyChanged() {
      const hash = options.policyHash();
      if (hash === policy) return;
      policy = hash;
      note({ type: 'policy', hash, by: text(options.person()) });
    },
    async change(what, by, work) {
      changing += 1;
      try {
        const done = await work();
        config = options.configHash();
        const entry = { type: 'config', hash: config, by: text(by), what: text(what) } as const;
        await log.append(entry).catch((error: unknown) => {
          // A log that has failed has said so itself, and nothing is forwarded.
          if (log.problem === null) throw error;
        });
        observe();
        return done;
      } finally {
        changing -= 1;
      }
    },
    async stopped(reason) {
      stopTicking();
      if (log.problem === null) await log.append({ type: 'stopped', reason: text(reason) }).catch(() => {});
    },
  };
}

const gap = (
  kind: Extract<NewLogEntry, { type: 'gap' }>['kind'],
  from: string,
  until: string,
  detail: string,
): NewLogEntry => ({ type: 'gap', kind, from, until, detail: text(detail) });

/** Folders of sessions that were opened on a day (UTC, YYYY-MM-DD) or after it. */
function* foldersSince(recordingsDir: string, day: string): Generator<string> {
  const root = sessionsDir(recordingsDir);
  for (const year of namesIn(root)) {
    if (year < day.slice(0, 4)) continue;
    for (const month of namesIn(join(root, year))) {
      if (`${year}-${month}` < day.slice(0, 7)) continue;
      for (const date of namesIn(join(root, year, month))) {
        if (`${year}-${month}-${date}` < day) continue;
        for (const id of namesIn(join(root, year, month, date))) yield join(root, year, month, date, id);
      }
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

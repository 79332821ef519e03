import { parentPort, workerData } from 'node:worker_threads';
import { CountersignError } from '../contract/errors.ts';
import { SyncEngine } from './engine.ts';
import type { StoreTarget } from './ports.ts';
import { planRemovals } from './retention.ts';
import type { TargetConfig } from './targets/config.ts';
import { openTarget } from './targets/open-target.ts';
import { fetchTrustNotes } from './trust-notes.ts';
import { type FromWorker, logSizeKey, type SyncWork, type ToWorker, type WorkerSetup } from './worker-protocol.ts';

/** The thread that syncs: a slow disk, a large part or a busy network never holds up the relay. */
const port = parentPort;
if (port === null) throw new Error('the sync worker is started by sync.ts');
const post = (message: FromWorker) => port.postMessage(message);

const PROBE_MS = 60_000;
const secretsWanted = new Map<number, { resolve(value: string | null): void; reject(error: unknown): void }>();
let nextSecret = 0;

/** Secrets stay on the main thread, with the vault, until a connection needs one. */
const vault = {
  read: (id: string): Promise<string | null> =>
    new Promise((resolve, reject) => {
      const secret = nextSecret++;
      secretsWanted.set(secret, { resolve, reject });
      post({ wanted: id, secret });
    }),
};

const engine = new SyncEngine({
  ...(workerData as WorkerSetup),
  now: Date.now,
  random: Math.random,
  onProblem: (problem) => post({ problem }),
});

/** One store's target stays open while its configuration does not change. */
let current: { config: string; target: StoreTarget } | null = null;
const targetOf = (config: TargetConfig | null): StoreTarget | null => {
  const text = JSON.stringify(config);
  if (config === null) current = null;
  else if (current?.config !== text) current = { config: text, target: openTarget(config, vault) };
  return current?.target ?? null;
};

const work: SyncWork = {
  configure: (settings, target) => engine.configure(settings, targetOf(target)),
  sealed: (sid, closed) => engine.sealed(sid, closed),
  discover: () => engine.discover(),
  stage: (lane, objects, meta) => engine.stage(lane, objects, meta),
  logState: (org) => ({
    size: Number(engine.outbox.meta(logSizeKey(org)) ?? 0),
    waiting: engine.outbox.inLane('log'),
  }),
  now: () => engine.now(),
  status: () => engine.status(),
  async probe(config, setUp) {
    const target = openTarget(config, vault);
    try {
      const signal = AbortSignal.timeout(PROBE_MS);
      if (setUp) await target.setUp(signal);
      const found = await target.probe(signal);
      engine.outbox.setMeta('capabilities', JSON.stringify(found));
      return found;
    } finally {
      await target.close().catch(() => {});
    }
  },
  trustNotes: (org, from) =>
    engine.target === null
      ? Promise.resolve([])
      : fetchTrustNotes(engine.target, org, from, AbortSignal.timeout(PROBE_MS)),
  plan: (config, held) =>
    planRemovals({
      sessions: engine.outbox.ended(),
      localBytes: engine.outbox.localBytes(),
      config,
      held,
      now: Date.now(),
    }),
  async find(sid) {
    await engine.sealed(sid, true);
    const row = engine.outbox.session(sid);
    if (row === null || row.removedAt !== null) return null;
    const { folder, connection } = row;
    return { folder, connection, ended: row.endedAt !== null, synced: row.confirmedAt !== null };
  },
  removed: (sid) => engine.outbox.removedSession(sid, Date.now()),
  close: () => engine.close(),
};

function plain(error: unknown): { code: string; message: string } {
  if (error instanceof CountersignError) return { code: error.code, message: error.message };
  return { code: 'SYNC_FAILED', message: error instanceof Error ? error.message : String(error) };
}

async function answer(id: number, method: keyof SyncWork, args: unknown[]): Promise<void> {
  try {
    // The caller's types (worker-protocol.ts) tie arguments to methods.
    const value = await (work[method] as (...given: unknown[]) => unknown)(...args);
    post({ id, value });
  } catch (error) {
    post({ id, error: plain(error) });
  }
}

/** Changes happen in the order in which they were asked for; a look, or a probe, waits for none of them. */
const LOOKS: ReadonlySet<keyof SyncWork> = new Set(['status', 'probe', 'trustNotes', 'logState', 'plan', 'close']);
let last: Promise<void> = Promise.resolve();

port.on('message', (message: ToWorker) => {
  if ('secret' in message) {
    const wanted = secretsWanted.get(message.secret);
    secretsWanted.delete(message.secret);
    if ('value' in message) wanted?.resolve(message.value);
    else wanted?.reject(new CountersignError(message.error.code, message.error.message));
    return;
  }
  const { id, method, args } = message;
  if (LOOKS.has(method)) void answer(id, method, args);
  else last = last.then(() => answer(id, method, args));
});

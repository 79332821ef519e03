import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { CountersignError } from '../contract/errors.ts';
import type { Identity } from '../contract/identity.ts';
import { SiemDestination, type SiemStatus } from '../contract/siem.ts';
import type { Vault } from '../pipeline/ports.ts';
import { assertSafe, openSiemFile, secretName } from './config.ts';
import type { SiemEvent, SiemSession } from './mapping/event.ts';
import { isWanted, ownSession, recordOf, testRecord } from './records.ts';
import { Sender } from './sender.ts';
import { openSpool } from './spool.ts';
import { fileTransport } from './transports/file.ts';
import { httpTransport } from './transports/http.ts';
import { syslogTransport } from './transports/syslog.ts';
import type { Transport } from './transports/transport.ts';

export interface SiemDeps {
  home: string;
  vault: Vault;
  version: string;
  identity: Identity;
  protection: SiemSession['protection'];
  now(): number;
  random(): number;
  schedule(milliseconds: number, run: () => void): () => void;
  /** Sentences for the log. */
  log(level: 'info' | 'warn', sentence: string): void;
}

export interface Siem {
  /** Takes an event and returns; it is on disk within a turn of the event loop. Never throws. */
  happened(event: SiemEvent): void;
  /** Whether anybody wants such statements: what nobody does need not be made. */
  wants(statements: 'noteworthy' | 'all'): boolean;
  readonly wantsTexts: boolean;
  status(): Promise<SiemStatus[]>;
  /** Adds or replaces. Errors: SIEM_CONFIG_BROKEN, SIEM_FULL, SIEM_SECRET_REQUIRED, CONFIG_CHANGED. */
  put(destination: SiemDestination, secret: string | null): Promise<SiemStatus>;
  /** What waits for it is forgotten. Errors: SIEM_UNKNOWN, CONFIG_CHANGED. */
  remove(id: string): Promise<void>;
  /** Sends one event past what waits, now. */
  test(id: string): Promise<{ ok: boolean; sentence: string }>;
  close(): Promise<void>;
}

const MAX_DESTINATIONS = 16;
/** Events that were not yet written to the spool; a disk that does not answer must not fill the memory. */
const MAX_UNWRITTEN = 50_000;
const TEST_MS = 20_000;

/** Everything that decides who is shown the secret. */
function whoGetsSecret(destination: SiemDestination | undefined): string {
  if (destination?.kind !== 'http') return '';
  const { url, secretHeader, caFile, serverName } = destination;
  return JSON.stringify([url, secretHeader, caFile ?? null, serverName ?? null]);
}

/** What happens, to where the team watches. Errors: SIEM_CONFIG_BROKEN. */
export function createSiem(deps: SiemDeps): Siem {
  const { home, vault, version, now } = deps;
  const config = openSiemFile(join(home, 'siem.json'));
  const folder = join(home, 'siem');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const spool = openSpool(join(folder, 'spool.db'), config.content.spoolBytes);
  const own = ownSession(deps.identity, deps.protection);
  const senders = new Map<string, Sender>();
  let unwritten: SiemEvent[] = [];
  let writing: NodeJS.Immediate | null = null;
  let lost = 0;

  function transportOf(destination: SiemDestination): Transport {
    switch (destination.kind) {
      case 'syslog':
        return syslogTransport(destination, hostname(), process.pid);
      case 'http':
        return httpTransport(destination, () => vault.read(secretName(destination.id)), now);
      case 'file':
        return fileTransport(destination);
    }
  }

  function start(destination: SiemDestination): void {
    const { id } = destination;
    const sender = new Sender(destination, {
      ...deps,
      spool,
      own,
      transport: transportOf(destination),
      onState: (error) =>
        error === null
          ? deps.log('info', `events reach the SIEM ${id} again`)
          : deps.log('warn', `events wait for the SIEM ${id}: ${error}`),
    });
    senders.set(id, sender);
    sender.wake();
  }

  function write(): void {
    writing = null;
    const events = unwritten;
    unwritten = [];
    try {
      spool.add(events);
    } catch (error) {
      lose(events.length, error instanceof Error ? error.message : String(error));
    }
    for (const sender of senders.values()) sender.wake();
  }

  function lose(count: number, why: string): void {
    if (lost === 0)
      deps.log('warn', `events for the SIEM cannot be kept and are lost to it (${why}); recordings have them`);
    lost += count;
  }

  async function statusOf({ destination, error, lastSentAt, nextTryAt }: Sender): Promise<SiemStatus> {
    const { waiting, waitingSince, sent, dropped } = spool.state(destination.id);
    const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
    return {
      destination,
      hasSecret: await vault.has(secretName(destination.id)).catch(() => false),
      waiting,
      waitingSince: time(waitingSince === null ? null : waitingSince / 1000),
      sent,
      dropped: dropped + lost,
      lastSentAt: time(lastSentAt),
      error,
      nextTryAt: time(nextTryAt),
    };
  }

  function known(id: string): Sender {
    const sender = senders.get(id);
    if (!sender) throw new CountersignError('SIEM_UNKNOWN', `There is no SIEM destination ${id}.`);
    return sender;
  }

  function save(destinations: SiemDestination[]): void {
    config.save(destinations);
    spool.setDestinations(destinations.map(({ id }) => id));
  }

  spool.setDestinations(config.content.destinations.map(({ id }) => id));
  for (const destination of config.content.destinations) start(destination);

  return {
    happened(event) {
      if (![...senders.values()].some(({ destination }) => isWanted(event, destination))) return;
      if (unwritten.length >= MAX_UNWRITTEN) {
        lose(1, 'too many at once');
        return;
      }
      unwritten.push(event);
      writing ??= setImmediate(write);
    },
    wants: (statements) =>
      config.content.destinations.some((one) => one.statements === 'all' || one.statements === statements),
    get wantsTexts() {
      return config.content.destinations.some(({ texts }) => texts);
    },
    status: () => Promise.all([...senders.values()].map(statusOf)),
    async put(input, secret) {
      const destination = SiemDestination.parse(input);
      assertSafe(destination, home);
      const { id } = destination;
      const others = config.content.destinations.filter((one) => one.id !== id);
      if (others.length >= MAX_DESTINATIONS) {
        throw new CountersignError(
          'SIEM_FULL',
          `There are ${MAX_DESTINATIONS} destinations already; remove one first.`,
        );
      }
      config.assertUnchanged();
      const before = senders.get(id)?.destination;
      if (
        secret === null &&
        whoGetsSecret(before) !== whoGetsSecret(destination) &&
        (await vault.has(secretName(id)))
      ) {
        throw new CountersignError(
          'SIEM_SECRET_REQUIRED',
          `${id} would go to another place than before; give its secret again, so that nobody else is sent the old one.`,
        );
      }
      if (secret !== null) await vault.write(secretName(id), secret);
      save([...others, destination]);
      await senders.get(id)?.close();
      start(destination);
      return statusOf(known(id));
    },
    async remove(id) {
      const sender = known(id);
      config.assertUnchanged();
      await sender.close();
      senders.delete(id);
      save(config.content.destinations.filter((one) => one.id !== id));
      await vault.remove(secretName(id));
    },
    async test(id) {
      const { destination } = known(id);
      const transport = transportOf(destination);
      try {
        const record = recordOf(testRecord(now() * 1000, own), destination, version);
        await transport.deliver([record], AbortSignal.timeout(TEST_MS));
        return { ok: true, sentence: `${id} has taken a test event.` };
      } catch (error) {
        return { ok: false, sentence: `${id} did not take a test event. ${(error as Error).message}` };
      } finally {
        transport.close();
      }
    },
    async close() {
      if (writing) clearImmediate(writing);
      write();
      for (const sender of senders.values()) await sender.close();
      spool.close();
    },
  };
}

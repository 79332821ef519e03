import { hash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { version } from '../../cli/version.ts';
import type { ConnectionsRegistry } from '../../config/connections.ts';
import type { Clock, PolicyEngine } from '../../pipeline/ports.ts';
import type { PolicyAdmin } from '../../policy/index.ts';
import { ulid } from '../../sessions/ulid.ts';
import { openKeyring } from '../../vault/keyring.ts';
import type { DeviceOptions } from './device.ts';
import type { KeyPlaces } from './device-keys.ts';
import { createReporter, type Reporter, type ReporterOptions } from './reporter.ts';

const KEYRING_SERVICE = 'dev.countersign.device';

/** This machine, as the device that the gateway and its commands open. */
export function deviceSurroundings(given: {
  home: string;
  protection: 'protected' | 'unprotected';
  clock: Clock;
  account: string;
  passphrase: KeyPlaces['passphrase'];
}): DeviceOptions {
  const { home, protection, passphrase, clock, account } = given;
  return {
    places: { home, protection, passphrase, keyring: () => openKeyring(KEYRING_SERVICE) },
    clock,
    version: version(),
    name: hostname() || 'unnamed',
    account: account.slice(0, 320),
    newId: () => ulid(clock.now(), randomBytes(10)),
  };
}

/** The reporter of a running gateway: it is told of changes by whoever makes them. */
export function serviceReporter(
  given: Pick<
    ReporterOptions,
    'device' | 'recorder' | 'recordingsDir' | 'clock' | 'every' | 'protection' | 'person' | 'queued' | 'onProblem'
  > & {
    policy: Pick<PolicyEngine, 'hash'> & Pick<PolicyAdmin, 'onChanged'>;
    connections: Pick<ConnectionsRegistry, 'list'>;
    /** Of the gateway, beside its connections. */
    settings: () => unknown;
    /** Further files of configuration, which anybody who can write there may change. */
    files: readonly string[];
  },
): Reporter {
  const { policy, connections, settings, files, ...rest } = given;
  const reporter = createReporter({
    ...rest,
    monotonic: () => performance.now(),
    version: version(),
    boot: bootId(),
    policyHash: () => policy.hash,
    configHash: () => hash('sha256', JSON.stringify([connections.list(), settings(), ...files.map(contentOf)])),
    observing: () => connections.list().flatMap(({ id, mode }) => (mode === 'observe' ? [id] : [])),
  });
  policy.onChanged(() => reporter.policyChanged());
  return reporter;
}

/** Of what cannot be read the reason, so that this shows too. */
function contentOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? null : `(${code})`;
  }
}

/** Changes with each boot of the machine; '' where the system does not say. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import { type Device, openDevice } from '../evidence/device/device.ts';
import { type DeviceFile, readDeviceFile } from '../evidence/device/device-file.ts';
import { deviceSurroundings } from '../evidence/device/surroundings.ts';
import { localIdentity } from '../identity/local.ts';
import { assertProtected } from '../protect/assert-protected.ts';
import { protectedLayout } from '../protect/layout.ts';
import type { Cli } from './cli.ts';
import { prepareHome } from './home.ts';
import { lockHome } from './home-lock.ts';
import { askPassphrase, newPassphrase } from './trust-passphrase.ts';

const WHAT = "the device's key";

/** null where nobody can be asked. @param file of `--passphrase-file`. */
const devicePassphrase =
  (cli: Cli, file: string | undefined) =>
  async (fresh: boolean): Promise<string | null> => {
    try {
      return await (fresh ? newPassphrase : askPassphrase)(cli, WHAT, file);
    } catch (error) {
      if (isCountersignError(error, 'NO_TERMINAL')) return null;
      throw error;
    }
  };

/** One for a new key; null where nobody can be asked. */
export const askNewDevicePassphrase = (cli: Cli, file: string | undefined): Promise<string | null> =>
  devicePassphrase(cli, file)(true);

/** systemd's LoadCredential, under this name, stands in for the file. */
const CREDENTIAL = 'device-passphrase';

export function passphraseAtStart(cli: Cli, file: string | undefined): () => Promise<string | null> {
  const credential = join(cli.env.CREDENTIALS_DIRECTORY ?? '', CREDENTIAL);
  const given = cli.env.CREDENTIALS_DIRECTORY !== undefined && existsSync(credential) ? credential : undefined;
  return () => devicePassphrase(cli, file ?? given)(false);
}

/** The gateway's files are its user's: what root writes among them, it could not change any more. */
function assertOwn(cli: Cli, home: string): void {
  const uid = process.getuid?.();
  const found = lstatSync(home, { throwIfNoEntry: false });
  if (uid === undefined || found === undefined || found.uid === uid) return;
  const name = cli.env.COUNTERSIGN_NAME;
  throw new CountersignError(
    'HOME_NOT_OURS',
    name === undefined
      ? `the folder ${home} belongs to another user; give another with --home`
      : `${home} belongs to the gateway's own user; run this as that: sudo -u ${protectedLayout(name).user} ${name} device …`,
  );
}

/** What the home says of its device, whether a gateway runs or not. Throws DEVICE_NONE. */
export function deviceFileOf(cli: Cli): DeviceFile {
  const home = cli.home();
  assertOwn(cli, home);
  const file = readDeviceFile(home);
  if (file !== null) return file;
  throw new CountersignError('DEVICE_NONE', `${home} has no device yet: the first start of the gateway makes it`);
}

export interface KeyOptions {
  passphraseFile?: string;
  /** false: as if there were none. */
  keyring?: boolean;
}

/** Opens the device while no gateway runs on the home. */
export async function withDevice<T>(
  cli: Cli,
  { passphraseFile }: KeyOptions,
  work: (device: Device) => Promise<T>,
): Promise<T> {
  const home = cli.home();
  assertOwn(cli, home);
  prepareHome(home);
  const unlock = lockHome(home);
  try {
    const isolation = protectionOf(cli, home);
    const options = deviceSurroundings({
      home,
      protection: isolation === null ? 'unprotected' : 'protected',
      clock: { now: () => Date.now() },
      account: localIdentity(isolation?.developers.join(' or ')).subject.replace(/^local:/, ''),
      passphrase: devicePassphrase(cli, passphraseFile),
    });
    const device = await openDevice(options);
    try {
      if (device.log.problem !== null) throw new CountersignError('DEVICE_LOG_FAILED', device.log.problem);
      return await work(device);
    } finally {
      await device.close();
    }
  } finally {
    unlock();
  }
}

/** Protected only where it is real: the key's place depends on it. */
function protectionOf(cli: Cli, home: string) {
  const name = cli.env.COUNTERSIGN_NAME;
  if (name === undefined || protectedLayout(name).home !== home) return null;
  return assertProtected(protectedLayout(name));
}

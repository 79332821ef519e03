import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CountersignError } from '../../contract/errors.ts';
import { toHex } from '../../recording/format/bytes.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import type { Keyring } from '../../vault/keyring.ts';
import { deviceOrigin } from '../format/checkpoint.ts';
import { formatVkey, parseVkey, type Signer, sameVkey } from '../format/vkey.ts';
import { createKey, openKey, readKeyFile, writeKeyFile } from '../trust/private-key.ts';
import { deviceFolder, type KeyRecord } from './device-file.ts';

/** Where a device may keep its key. */
export interface KeyPlaces {
  home: string;
  protection: 'protected' | 'unprotected';
  /** null: there is none that works. */
  keyring(): Promise<Keyring | null>;
  /** null where nobody and nothing can be asked. @param fresh it is chosen, and not one that a key has already. */
  passphrase(fresh: boolean): Promise<string | null>;
  /** What a person should know of the choice. */
  tell?(sentence: string): void;
}

/** Keyrings that keep what they are given in the clear, or not at all. */
const PRETENDERS: Readonly<Record<string, string>> = {
  basic_text: 'it keeps passwords in a file that every program can read',
  'kernel-keyutils': 'it forgets them at the next boot',
  mock: 'it forgets them when this program ends',
};

const keyFile = (home: string, hash: string) => join(deviceFolder(home), 'keys', `${hash}.pem`);
const inKeyring = (device: string, hash: string) => `device ${device} key ${hash}`;
const hashOf = (record: KeyRecord): string => toHex(parseVkey(p.sha256, record.vkey).hash);

/** Before there is an organisation the key vouches for nothing that has left the machine: a file is enough. */
export function makeLocalKey(device: string, home: string, at: string): { record: KeyRecord; signer: Signer } {
  const { signer, pem } = createKey(deviceOrigin(device), null);
  writeKeyFile(keyFile(home, toHex(signer.vkey.hash)), pem);
  return { record: { vkey: formatVkey(signer.vkey), store: 'file', from: at }, signer };
}

/** Whether the key lies where an organisation's may: a bare file only under an OS user of the gateway's own. */
export const isProperlyKept = (record: KeyRecord, protection: KeyPlaces['protection']): boolean =>
  record.store !== 'file' || protection === 'protected';

/**
 * A key for an organisation: a file of the gateway's own OS user, else the desktop's keyring, else encrypted
 * with a passphrase. Throws DEVICE_KEY_NOWHERE.
 */
export async function makeDeviceKey(
  device: string,
  places: KeyPlaces,
  at: string,
): Promise<{ record: KeyRecord; signer: Signer }> {
  if (places.protection === 'protected') return makeLocalKey(device, places.home, at);
  const name = deviceOrigin(device);
  const keyring = await places.keyring();
  const pretence = keyring === null ? undefined : PRETENDERS[keyring.backend];
  if (keyring !== null && pretence === undefined) {
    const { signer, pem } = createKey(name, null);
    const id = inKeyring(device, toHex(signer.vkey.hash));
    await keyring.write(id, pem);
    if ((await keyring.read(id)) !== pem) throw nowhere('the desktop’s keyring does not keep what it is given');
    return { record: { vkey: formatVkey(signer.vkey), store: 'keyring', from: at }, signer };
  }
  const why =
    keyring === null
      ? 'there is no keyring that answers'
      : `the keyring here only pretends (${keyring.backend}): ${pretence}`;
  places.tell?.(`The device's key is encrypted with a passphrase, since ${why}.`);
  const passphrase = await places.passphrase(true);
  if (passphrase === null) throw nowhere(why);
  const { signer, pem } = createKey(name, passphrase);
  writeKeyFile(keyFile(places.home, toHex(signer.vkey.hash)), pem);
  return { record: { vkey: formatVkey(signer.vkey), store: 'passphrase', from: at }, signer };
}

const nowhere = (why: string): CountersignError =>
  new CountersignError(
    'DEVICE_KEY_NOWHERE',
    `${why}, so the device's key can be kept nowhere; give a passphrase (on a terminal, or with --passphrase-file), or run the gateway protected`,
  );

/** Throws DEVICE_KEY_LOST, DEVICE_KEY_LOCKED, DEVICE_KEY_OPEN, KEY_NOT_READ, KEY_PASSPHRASE. */
export async function openDeviceKey(device: string, record: KeyRecord, places: KeyPlaces): Promise<Signer> {
  const name = deviceOrigin(device);
  const hash = hashOf(record);
  const pem =
    record.store === 'keyring' ? await fromKeyring(device, hash, places) : fromFile(keyFile(places.home, hash));
  let passphrase: string | null = null;
  if (record.store === 'passphrase') {
    passphrase = await places.passphrase(false);
    if (passphrase === null) {
      throw new CountersignError(
        'DEVICE_KEY_LOCKED',
        "the device's key is encrypted: start the gateway on a terminal, or name the passphrase's file with --device-passphrase-file",
      );
    }
  }
  const signer = openKey(name, pem, passphrase);
  if (sameVkey(signer.vkey, parseVkey(p.sha256, record.vkey))) return signer;
  throw new CountersignError('DEVICE_KEY_LOST', "the device's key is another than device.json names; restore both");
}

function fromFile(path: string): string {
  const pem = readKeyFile(path);
  if (process.platform === 'win32' || (statSync(path).mode & 0o077) === 0) return pem;
  throw new CountersignError(
    'DEVICE_KEY_OPEN',
    `${path} can be read by others, so it may not be the device's alone any more; close it (chmod 600) and change the key: countersign device rotate-key`,
  );
}

async function fromKeyring(device: string, hash: string, places: KeyPlaces): Promise<string> {
  const keyring = await places.keyring();
  let pem: string | null = null;
  try {
    pem = keyring === null ? null : await keyring.read(inKeyring(device, hash));
  } catch {
    // Told below, without the words of the keyring.
  }
  if (pem !== null) return pem;
  throw new CountersignError(
    'DEVICE_KEY_LOCKED',
    "the device's key is in the desktop’s keyring, which does not give it; log in to the desktop and unlock the keyring, then start again",
  );
}

/** A key that has been changed signs nothing more. */
export async function forgetDeviceKey(device: string, record: KeyRecord, places: KeyPlaces): Promise<void> {
  const hash = hashOf(record);
  if (record.store === 'keyring') await (await places.keyring())?.remove(inKeyring(device, hash));
  else rmSync(keyFile(places.home, hash), { force: true });
}

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../../config/atomic-file.ts';
import { CountersignError } from '../../contract/errors.ts';
import { DeviceId, OrgName } from '../format/documents.ts';

const KeyRecord = z.strictObject({
  vkey: z.string().max(512),
  /** `file`: PEM of mode 0600. `passphrase`: the same, encrypted. `keyring`: in the desktop's. */
  store: z.enum(['keyring', 'file', 'passphrase']),
  from: z.iso.datetime({ precision: 3 }),
});
export type KeyRecord = z.infer<typeof KeyRecord>;

/** `<home>/device/device.json`: what the device knows of itself; nothing in it is secret. */
const DeviceFile = z.strictObject({
  v: z.literal(1),
  device: DeviceId,
  name: z.string().min(1).max(253),
  account: z.string().min(1).max(320),
  /** null until an enrolment or a binding was taken up. */
  org: OrgName.nullable(),
  /** An organisation that is asked: its name, its root's key as a person gave it, and the random of an ID token's nonce. */
  asked: z.strictObject({ org: OrgName, root: z.string().max(512), random: z.string().max(64).nullable() }).nullable(),
  /** The root's key that the first trust note was verified with. */
  root: z.string().max(512).nullable(),
  /** Whether the log ever had a checkpoint: one without it was taken away. */
  begun: z.boolean(),
  /** The last one is in use. */
  keys: z.array(KeyRecord).min(1).max(1000),
  /** Whom the gateway asks to cosign its checkpoints, and where. */
  witnesses: z
    .array(
      z.strictObject({ vkey: z.string().max(512), url: z.url().max(2000), ca: z.string().max(100_000).nullable() }),
    )
    .max(100)
    .default([]),
  /** A key that is to be the next one: it is, once the log says so. */
  next: KeyRecord.nullable(),
});
export type DeviceFile = z.infer<typeof DeviceFile>;

export const deviceFolder = (home: string): string => join(home, 'device');
const path = (home: string) => join(deviceFolder(home), 'device.json');

/** null: there is none yet. Throws DEVICE_BROKEN. */
export function readDeviceFile(home: string): DeviceFile | null {
  const text = readFileIfThere(path(home));
  if (text === null) {
    if (!holds(join(deviceFolder(home), 'log'))) return null;
    throw new CountersignError(
      'DEVICE_BROKEN',
      `${path(home)} is gone, though the device has a log; restore it, or move ${deviceFolder(home)} away to begin as another device.`,
    );
  }
  try {
    return DeviceFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new CountersignError('DEVICE_BROKEN', `${path(home)} is damaged; restore it from a backup.`, { cause });
  }
}

export function writeDeviceFile(home: string, file: DeviceFile): void {
  writeFileAtomic(path(home), `${JSON.stringify(DeviceFile.parse(file), null, 2)}\n`);
}

function holds(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}

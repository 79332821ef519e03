import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GatewayStatus } from '../../contract/status.ts';
import type { Clock } from '../../pipeline/ports.ts';
import { toBase64, toHex } from '../../recording/format/bytes.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import type { NewLogEntry } from '../format/log-entries.ts';
import { signDocument } from '../format/signed-document.ts';
import { formatVkey, parseVkey, type Signer } from '../format/vkey.ts';
import type { Trust } from '../trust/verify-trust.ts';
import { type DeviceFile, deviceFolder, type KeyRecord, readDeviceFile, writeDeviceFile } from './device-file.ts';
import { forgetDeviceKey, type KeyPlaces, makeDeviceKey, makeLocalKey, openDeviceKey } from './device-keys.ts';
import { type FolderLog, openDeviceLog } from './device-log.ts';
import { writeFileDurably } from './log-folder.ts';
import { LogScan } from './log-scan.ts';
import { readTrust } from './trust-notes.ts';

export interface DeviceOptions {
  places: KeyPlaces;
  clock: Clock;
  /** Of this program. */
  version: string;
  /** The machine and the account, as a person knows them. */
  name: string;
  account: string;
  newId(): string;
}

/**
 * The device: made at the first start, with a key of its own and a log that begins with it. Throws
 * DEVICE_BROKEN, DEVICE_KEY_LOCKED, DEVICE_KEY_LOST, KEY_PASSPHRASE, DEVICE_LOG_FAILED.
 */
export async function openDevice(options: DeviceOptions): Promise<Device> {
  const { home } = options.places;
  const file = readDeviceFile(home) ?? begin(options);
  const device = new Device(options, file);
  await device.open();
  return device;
}

function begin({ places, clock, name, account, newId }: DeviceOptions): DeviceFile {
  const device = newId();
  const { record } = makeLocalKey(device, places.home, new Date(clock.now()).toISOString());
  const file: DeviceFile = {
    v: 1,
    device,
    name,
    account,
    org: null,
    asked: null,
    root: null,
    begun: false,
    keys: [record],
    witnesses: [],
    next: null,
  };
  writeDeviceFile(places.home, file);
  return file;
}

/** That a document was known to the device before what comes after it in the log. */
export const identityEntry = (
  kind: 'enrolment' | 'binding' | 'key-change',
  note: Uint8Array,
): Extract<NewLogEntry, { type: 'identity' }> => ({ type: 'identity', kind, hash: toBase64(p.sha256(note)) });

export class Device {
  file: DeviceFile;
  log!: FolderLog;
  readonly scan = new LogScan();
  readonly options: DeviceOptions;
  readonly home: string;
  signer!: Signer;
  trust: Trust | null = null;
  /** What a witness found: the log is not the one that it saw before. */
  warning: string | null = null;
  private readonly listeners = new Set<() => void>();
  private changing: Promise<unknown> = Promise.resolve();

  constructor(options: DeviceOptions, file: DeviceFile) {
    this.options = options;
    this.home = options.places.home;
    this.file = file;
  }

  get id(): string {
    return this.file.device;
  }

  get key(): KeyRecord {
    return this.file.keys.at(-1)!;
  }

  now(): string {
    return new Date(this.options.clock.now()).toISOString();
  }

  status(): GatewayStatus['device'] {
    const { log, scan } = this;
    const checkpointAt = log.signedAt === null ? (scan.last?.t ?? null) : new Date(log.signedAt).toISOString();
    return {
      id: this.id,
      org: this.file.org,
      size: log.size,
      checkpointAt,
      problem: log.problem,
      warning: this.warning,
    };
  }

  async open(): Promise<void> {
    const { options, file, scan } = this;
    const known = [...file.keys, ...(file.next === null ? [] : [file.next])];
    this.log = await openDeviceLog({
      folder: join(deviceFolder(this.home), 'log'),
      device: file.device,
      org: () => this.file.org,
      signer: () => this.keyInUse(),
      keys: known.map(({ vkey }) => parseVkey(p.sha256, vkey)),
      begun: file.begun,
      clock: options.clock,
      see: (entry) => scan.see(entry),
    });
    try {
      await this.afterOpening();
    } catch (error) {
      await this.log.close();
      throw error;
    }
  }

  private async afterOpening(): Promise<void> {
    const { file, log, scan, options } = this;
    if (file.root !== null) this.trust = readTrust(this.home, file.root, this.now());
    if (log.problem !== null) return;
    if (!file.begun) {
      const unsubscribe = log.onCheckpoint(() => {
        unsubscribe();
        this.save({ begun: true });
      });
    }
    if (scan.begun !== null) return;
    await log.append({
      type: 'device',
      device: file.device,
      org: file.org,
      vkey: this.key.vkey,
      name: file.name,
      account: file.account,
      protection: options.places.protection,
      version: options.version,
    });
  }

  /** A change of the key that was cut short is finished where the log has it, and else forgotten. */
  private async keyInUse(): Promise<Signer> {
    const { file, options, scan } = this;
    const { next } = file;
    if (next !== null && scan.vkey === next.vkey) {
      const old = await openDeviceKey(this.id, this.key, options.places);
      this.signer = await openDeviceKey(this.id, next, options.places);
      await this.finishKeyChange(old, this.signer, next);
      return this.signer;
    }
    if (next !== null) {
      await forgetDeviceKey(this.id, next, options.places);
      this.save({ next: null });
    }
    this.signer = await openDeviceKey(this.id, this.key, options.places);
    const before = file.keys.at(-2);
    // A crash right after a change may have left it; a keyring is not asked again for that.
    if (before !== undefined && before.store !== 'keyring') await forgetDeviceKey(this.id, before, options.places);
    return this.signer;
  }

  /** One change of keys, membership or witnesses at a time: each begins with what the one before left. */
  change<T>(work: () => Promise<T>): Promise<T> {
    const done = this.changing.then(work);
    this.changing = done.catch(() => {});
    return done;
  }

  /** Makes another key, where one of this device may lie; the old one signs that it is its successor. */
  async rotateKey(places: KeyPlaces = this.options.places): Promise<void> {
    const { record, signer } = await makeDeviceKey(this.id, places, this.now());
    this.save({ next: record });
    if (this.file.org !== null) {
      await this.log.append(identityEntry('key-change', this.keyChange(this.signer, signer, record)));
    }
    await this.log.changeKey(signer);
    const old = this.signer;
    this.signer = signer;
    await this.finishKeyChange(old, signer, record);
  }

  /** The same bytes however often it is made. */
  private keyChange(old: Signer, next: Signer, record: KeyRecord): Uint8Array {
    const [before, after] = [formatVkey(old.vkey), formatVkey(next.vkey)];
    return signDocument('key-change', { v: 1, device: this.id, old: before, new: after, at: record.from }, [old, next]);
  }

  /** A key from before there was an organisation vouched for nothing, so it hands nothing over. */
  private async finishKeyChange(old: Signer, next: Signer, record: KeyRecord): Promise<void> {
    if (this.file.org !== null) {
      await this.keepIdentity(`${toHex(next.vkey.hash)}.change.note`, this.keyChange(old, next, record));
    }
    const before = this.key;
    this.save({ keys: [...this.file.keys, record], next: null });
    await forgetDeviceKey(this.id, before, this.options.places);
    this.changed();
  }

  save(changes: Partial<DeviceFile>): void {
    this.file = { ...this.file, ...changes };
    writeDeviceFile(this.home, this.file);
  }

  /** Objects that the device publishes about itself, by their names below `<org>/<device>/identity/`. */
  async identityObjects(): Promise<{ name: string; bytes: Uint8Array }[]> {
    const folder = join(deviceFolder(this.home), 'identity');
    const names = existsSync(folder) ? (await readdir(folder)).filter((name) => name.endsWith('.note')).sort() : [];
    return Promise.all(names.map(async (name) => ({ name, bytes: await readFile(join(folder, name)) })));
  }

  async keepIdentity(name: string, bytes: Uint8Array): Promise<void> {
    const folder = join(deviceFolder(this.home), 'identity');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFileDurably(folder, name, bytes);
  }

  changed(): void {
    for (const listener of [...this.listeners]) listener();
  }

  onChanged(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): Promise<void> {
    return this.log.close();
  }
}

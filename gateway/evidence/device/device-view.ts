import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceView } from '../../contract/device.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { LogEntry } from '../format/log-entries.ts';
import { parseDocument } from '../format/signed-document.ts';
import type { Device } from './device.ts';
import { deviceFolder } from './device-file.ts';
import { readFrames } from './entry-frames.ts';

const MAX_GAPS = 50;

/** The device as a person looks at it. Its log is read once, and then only what was added. */
export function createDeviceView(device: Device): () => Promise<DeviceView> {
  const gaps = new GapReader(join(deviceFolder(device.home), 'log', 'entries'));
  return async () => {
    await gaps.read();
    const { file, key } = device;
    return {
      ...device.status(),
      name: file.name,
      account: file.account,
      asked: file.asked?.org ?? null,
      enrolledBy: await enrolledBy(device),
      key: { store: key.store, since: key.from },
      witnesses: file.witnesses.map(({ vkey }) => vkey.split('+')[0]!),
      gaps: { last: gaps.last.toReversed(), total: gaps.total },
    };
  };
}

/** As the documents say that the device publishes of itself; what they are worth is an auditor's to verify. */
async function enrolledBy(device: Device): Promise<string | null> {
  let found: string | null = null;
  for (const { name, bytes } of await device.identityObjects()) {
    try {
      if (name.endsWith('.oidc.note')) found ??= `ID token (${parseDocument('binding', bytes).value.name})`;
      else if (!name.endsWith('.change.note')) found = parseDocument('enrolment', bytes).value.by;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }
  return found;
}

class GapReader {
  readonly last: DeviceView['gaps']['last'] = [];
  total = 0;
  readonly #file: string;
  #end = 0;
  #reading: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  read(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#readOn());
    return this.#reading;
  }

  async #readOn(): Promise<void> {
    if (!existsSync(this.#file)) return;
    const file = await open(this.#file, 'r');
    try {
      for await (const { entries, end } of readFrames(file, this.#end, (await file.stat()).size)) {
        for (const bytes of entries) if (bytes.includes('"gap"')) this.#take(bytes);
        this.#end = end;
      }
    } finally {
      await file.close();
    }
  }

  #take(bytes: Buffer): void {
    const entry = LogEntry.safeParse(JSON.parse(bytes.toString()));
    if (!entry.success || entry.data.type !== 'gap') return;
    const { kind, from, until, detail } = entry.data;
    const begun = this.last.findIndex((gap) => gap.until === '' && gap.kind === kind && gap.from === from);
    if (begun !== -1) this.last.splice(begun, 1);
    else this.total += 1;
    this.last.push({ kind, from, until, detail });
    if (this.last.length > MAX_GAPS) this.last.shift();
  }
}

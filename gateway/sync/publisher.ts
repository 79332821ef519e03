import type { DeviceIdentity, DeviceLog, LogCheckpoint } from '../evidence/device/ports.ts';
import type { ObjectToStage } from './engine.ts';
import type { SyncThread } from './sync-worker.ts';
import { logSizeKey } from './worker-protocol.ts';

/** What others say of a checkpoint: a witness' cosignature, a TSA's token. `suffix` comes after `checkpoint.<size>`. */
export type Countersign = (checkpoint: LogCheckpoint) => Promise<{ suffix: string; bytes: Uint8Array }[]>;

/** Tiles go to the staging folder in such portions. */
const PORTION = 64;

/**
 * Publishes the device's log: its tiles, then the newest checkpoint, then what others say of that; and what the device
 * says of itself. While earlier objects of the log still wait it waits too, so an outage ends with one checkpoint.
 */
export class LogPublisher {
  readonly #log: DeviceLog;
  readonly #identity: DeviceIdentity;
  readonly #call: SyncThread['call'];
  readonly #countersign: Countersign;

  constructor(deps: { log: DeviceLog; identity: DeviceIdentity; call: SyncThread['call']; countersign: Countersign }) {
    this.#log = deps.log;
    this.#identity = deps.identity;
    this.#call = deps.call;
    this.#countersign = deps.countersign;
  }

  /** Does nothing while the device belongs to no organisation. Rejects with what the log or the outbox say. */
  async publish(): Promise<void> {
    const { org, device } = this.#identity;
    if (org === null) return;
    const objects = await this.#identity.identityObjects();
    const identity = objects.map(({ name, bytes }) => ({ name: `${org}/${device}/identity/${name}`, bytes }));
    if (identity.length > 0) await this.#call('stage', 'document', identity, {});
    const { size: since, waiting } = await this.#call('logState', org);
    const { checkpoint } = this.#log;
    if (checkpoint === null || waiting > 0 || checkpoint.size <= since) return;
    await this.#publishUpTo(checkpoint, since, org);
  }

  async #publishUpTo(checkpoint: LogCheckpoint, since: number, org: string): Promise<void> {
    const folder = `${org}/${this.#identity.device}/log`;
    let portion: ObjectToStage[] = [];
    for (const name of this.#log.tiles(since, checkpoint.size)) {
      portion.push({ name: `${folder}/${name}`, bytes: await this.#log.readTile(name) });
      if (portion.length < PORTION) continue;
      await this.#call('stage', 'log', portion, {});
      portion = [];
    }
    const name = `${folder}/checkpoint.${checkpoint.size}`;
    portion.push({ name, bytes: checkpoint.note });
    await this.#call('stage', 'log', portion, { [logSizeKey(org)]: String(checkpoint.size) });
    const others = (await this.#countersign(checkpoint)).map(({ suffix, bytes }) => ({
      name: `${name}.${suffix}`,
      bytes,
    }));
    if (others.length > 0) await this.#call('stage', 'log', others, {});
  }
}

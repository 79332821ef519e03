import { randomBytes } from 'node:crypto';
import type { Device } from '../evidence/device/device.ts';
import { takeTrust } from '../evidence/device/membership.ts';
import { sendQuery } from '../evidence/timestamp/send.ts';
import { createStamper } from '../evidence/timestamp/stamper.ts';
import { createWitnessClient } from '../evidence/witness/client.ts';
import { Sync, type SyncDeps } from './sync.ts';

/** Sync as the gateway runs it, on its device's log. */
export function createServiceSync(deps: Omit<SyncDeps, 'log' | 'identity' | 'countersign'> & { device: Device }): Sync {
  const { device, ...rest } = deps;
  const cosigned = createWitnessClient({
    log: device.log,
    identity: device,
    witnesses: () => device.file.witnesses,
    onProblem: (sentence, serious) => {
      if (serious) device.warning = sentence;
      deps.onProblem(sentence);
    },
  });
  const stamped = createStamper({
    tsas: () => device.trust?.note?.tsas ?? [],
    send: sendQuery,
    random: randomBytes,
    now: deps.clock.now,
    onProblem: deps.onProblem,
  });
  return new Sync({
    ...rest,
    log: device.log,
    countersign: async (checkpoint) => (await Promise.all([cosigned(checkpoint), stamped(checkpoint)])).flat(),
    identity: {
      device: device.id,
      get org() {
        return device.file.org;
      },
      get trust() {
        return device.trust?.note ?? null;
      },
      identityObjects: () => device.identityObjects(),
      onChanged: (listener) => device.onChanged(listener),
      takeTrust: (notes) => takeTrust(device, notes),
    },
  });
}

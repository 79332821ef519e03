import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attacks, DEVICE, LATER } from '../../../gateway/audit/test-attacks.ts';
import { type Objects, root } from '../../../gateway/audit/test-organisation.ts';
import { formatVkey } from '../../../gateway/evidence/format/vkey.ts';

/**
 * Writes `stores.json`: a team's store as it should be, and for each attack what it changes. Keys and times are
 * fixed, those of sessions are not, so each run makes other bytes of the same kind.
 */
const { valid, attacks: all } = await attacks();
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const written = (objects: Objects) =>
  Object.fromEntries([...objects].sort().map(([name, bytes]) => [name, base64(bytes)]));

/** Objects that differ from those of the valid store; null for one that is not there. */
function difference(objects: Objects): Record<string, string | null> {
  const out: Record<string, string | null> = {};
  for (const name of new Set([...valid.keys(), ...objects.keys()])) {
    const [before, after] = [valid.get(name), objects.get(name)];
    if (after === undefined) out[name] = null;
    else if (before === undefined || !Buffer.from(before).equals(after)) out[name] = base64(after);
  }
  return out;
}

const file = {
  root: formatVkey(root.vkey),
  device: DEVICE,
  now: new Date(LATER).toISOString(),
  store: written(valid),
  attacks: all.map(({ name, says, steps }) => ({ name, says, imports: steps.map(difference) })),
};
writeFileSync(join(import.meta.dirname, 'stores.json'), `${JSON.stringify(file, null, 1)}\n`);

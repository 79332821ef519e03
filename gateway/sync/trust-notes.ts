import type { StoreTarget } from './ports.ts';

const NOTE = /^trust\/(\d{6})\.note(?:\.r[1-9]\d{0,3})?$/;
const MAX_NOTE = 1024 * 1024;
const MAX_NOTES = 1000;
/** Of all that are looked at together: they are in memory at once. */
const MAX_BYTES = 16 * MAX_NOTE;

/**
 * The organisation's trust notes in the store, from number `from` on. What they are worth is for the device to say.
 * Throws SYNC_WRITE_ONLY where the store lets nobody read, and what the store throws.
 */
export async function fetchTrustNotes(
  target: StoreTarget,
  org: string,
  from: number,
  signal: AbortSignal,
): Promise<Uint8Array[]> {
  const names: string[] = [];
  for await (const { name, size, deleted } of target.list(`${org}/trust/`, signal)) {
    if (deleted === true) continue;
    const match = NOTE.exec(name.slice(org.length + 1));
    if (match !== null && Number(match[1]) >= from && size <= MAX_NOTE && !names.includes(name)) names.push(name);
    if (names.length >= MAX_NOTES) break;
  }
  const notes: Uint8Array[] = [];
  let total = 0;
  // What continues the device's own comes first, whatever else lies there.
  for (const name of names.sort()) {
    if (total >= MAX_BYTES) break;
    const source = await target.read(name, signal);
    if (source === null) continue;
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of source) {
      size += chunk.length;
      if (size > MAX_NOTE) break;
      chunks.push(chunk);
    }
    if (size > MAX_NOTE) continue;
    total += size;
    notes.push(Buffer.concat(chunks));
  }
  return notes;
}

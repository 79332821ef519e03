import type { ExchangeText } from '../../contract/session.ts';
import type { RecordingSource } from '../walk.ts';

/** Bytes of each direction that are given; the recording has all of them. */
const MAX_BYTES = 512 * 1024;

interface Side {
  parts: Uint8Array[];
  length: number;
}

/**
 * What both sides said in one exchange, as text: for protocols whose recordings are text. What is no UTF-8
 * becomes U+FFFD.
 */
export async function readExchange(
  source: RecordingSource,
  folder: string,
  { exchange, unit }: { exchange: number; unit: number },
): Promise<ExchangeText> {
  const sides: Record<'up' | 'down', Side> = { up: { parts: [], length: 0 }, down: { parts: [], length: 0 } };
  let truncated = false;
  let damaged = false;
  for await (const { direction, bytes } of source.pieces(folder, { fromUnit: unit, exchange })) {
    if (bytes === null) {
      damaged = true;
      continue;
    }
    const side = sides[direction];
    const room = MAX_BYTES - side.length;
    if (bytes.length > room) truncated = true;
    if (room <= 0) continue;
    const part = bytes.subarray(0, room);
    side.parts.push(part);
    side.length += part.length;
    if (sides.up.length >= MAX_BYTES && sides.down.length >= MAX_BYTES) break;
  }
  const text = ({ parts }: Side) => new TextDecoder().decode(Buffer.concat(parts));
  return { up: text(sides.up), down: text(sides.down), truncated, damaged };
}

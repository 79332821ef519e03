import { inflateSync } from 'node:zlib';
import { CountersignError } from '../../contract/errors.ts';
import type { DBusValue } from '../dbus/marshal.ts';

const HEADER = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MAX_SIZE = 256;

const malformed = () =>
  new CountersignError('TRAY_ICON', 'an icon of the tray is not as build/make-icons.ts draws them');

/**
 * A PNG as build/make-icons.ts writes them (8 bit RGBA, no filters, one IDAT), as StatusNotifierItem has
 * icons: width, height, and ARGB in network byte order.
 */
export function pixmapOf(png: Buffer): DBusValue {
  if (!png.subarray(0, 8).equals(HEADER) || png.toString('latin1', 12, 16) !== 'IHDR') throw malformed();
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  if (width > MAX_SIZE || height > MAX_SIZE || !png.subarray(24, 29).equals(Buffer.from([8, 6, 0, 0, 0])))
    throw malformed();
  if (png.toString('latin1', 37, 41) !== 'IDAT') throw malformed();
  const rows = inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)), { maxOutputLength: height * (1 + 4 * width) });
  const argb: number[] = [];
  for (let row = 0; row < height; row++) {
    const at = row * (1 + 4 * width);
    if (rows[at] !== 0) throw malformed();
    for (let column = 0; column < width; column++) {
      const [red, green, blue, alpha] = rows.subarray(at + 1 + 4 * column, at + 5 + 4 * column);
      argb.push(alpha!, red!, green!, blue!);
    }
  }
  return [width, height, argb];
}

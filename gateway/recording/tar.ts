import { CountersignError } from '../contract/errors.ts';

/** Plain ustar (POSIX.1-1988): regular files only, fixed owner, mode and time, so that a bundle has one form. */
export const TAR_BLOCK = 512;

const bad = (sentence: string): CountersignError => new CountersignError('RECORDING_BAD_BUNDLE', sentence);

export function tarHeader(name: string, size: number): Uint8Array {
  if (Buffer.byteLength(name) > 99 || size > 0o77777777777) throw bad(`${name} does not fit a tar header`);
  const out = Buffer.alloc(TAR_BLOCK);
  out.write(name, 0);
  out.write('0000644\0', 100);
  out.write('0000000\0', 108);
  out.write('0000000\0', 116);
  out.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  out.write('00000000000\0', 136);
  out.write('        ', 148);
  out.write('0', 156);
  out.write('ustar\x0000', 257);
  let sum = 0;
  for (const byte of out) sum += byte;
  out.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return out;
}

export const padding = (size: number): number => (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;

/** Name and size of a header in the one form that tarHeader gives; null for a block of zeros. Throws RECORDING_BAD_BUNDLE. */
export function parseTarHeader(block: Uint8Array): { name: string; size: number } | null {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.length);
  if (bytes.every((byte) => byte === 0)) return null;
  const end = bytes.indexOf(0);
  const name = bytes.toString('utf8', 0, Math.min(end, 99));
  const digits = bytes.toString('latin1', 124, 135);
  if (!/^[0-7]{11}$/.test(digits)) throw bad('a tar header has no size');
  const size = Number.parseInt(digits, 8);
  if (!bytes.equals(tarHeader(name, size))) throw bad('a tar header is not as this program writes it');
  return { name, size };
}

import { randomBytes } from 'node:crypto';
import { CountersignError } from '../../contract/errors.ts';

/** Says that this is the store: what lies under an unmounted share, or in a bucket mixed up, has none. */
export const MARKER = 'countersign-store.json';
export const MARKER_BYTES = new TextEncoder().encode('{"v":1,"store":"countersign"}\n');

/** Where objects lie that only find out what a store does. They say nothing, and stay where nothing can be deleted. */
const PROBES = 'countersign-probe/';
export const probeName = () => `${PROBES}${randomBytes(12).toString('hex')}`;

const MAX_NAME = 400;
const MAX_SEGMENT = 120;
const SEGMENT = /^[A-Za-z0-9](?:[A-Za-z0-9._+@-]*[A-Za-z0-9_+@-])?$/;
/** Devices on Windows, which every folder there would have. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;

/**
 * The same name has to be possible in a folder of any system, on SFTP and in S3, and to mean the same there:
 * no `..`, no leading dot (those are the targets' own), no blanks, nothing absolute.
 */
export function isObjectName(name: string): boolean {
  if (name.length === 0 || name.length > MAX_NAME) return false;
  return name.split('/').every((part) => part.length <= MAX_SEGMENT && SEGMENT.test(part) && !DEVICE.test(part));
}

/** Throws SYNC_BAD_NAME. */
export function assertObjectName(name: string): void {
  if (isObjectName(name)) return;
  throw new CountersignError('SYNC_BAD_NAME', `${JSON.stringify(name.slice(0, MAX_NAME))} cannot be an object's name.`);
}

/** A prefix is the beginning of a name, with `/` at its end or not. Throws SYNC_BAD_NAME. */
export function assertPrefix(prefix: string): void {
  if (prefix !== '') assertObjectName(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
}

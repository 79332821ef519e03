import { join } from 'node:path';
import { toHex } from '../../recording/format/bytes.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { deviceOrigin } from '../format/checkpoint.ts';
import type { Enrolment, EnrolmentRequest, TrustNote } from '../format/documents.ts';
import { parseDocument, signDocument } from '../format/signed-document.ts';
import { isSignedBy } from '../format/signed-note.ts';
import { parseVkey, type Signer, type Vkey } from '../format/vkey.ts';
import { createOnly, readBounded } from './trust-folder.ts';
import type { Checks } from './verify-trust.ts';

export interface RequestFile {
  file: string;
  bytes: Uint8Array;
}

export interface Sorted {
  /** To be signed, one a device. */
  good: { file: string; request: EnrolmentRequest; vkey: Vkey }[];
  /** With the reason as a sentence. */
  refused: { file: string; why: string }[];
}

/** Throws FormatError when the request is not what a device of the organisation wrote with its own key. */
export function readRequest(p: Checks, org: string, bytes: Uint8Array): { request: EnrolmentRequest; vkey: Vkey } {
  const { value, note } = parseDocument('enrolment-request', bytes);
  const vkey = parseVkey(p.sha256, value.vkey);
  if (value.org !== org) throw new FormatError(`it asks for the organisation ${value.org}, not for ${org}`);
  if (vkey.name !== deviceOrigin(value.device)) throw new FormatError('it names a key that is not of its device');
  if (!isSignedBy(p, note, vkey)) throw new FormatError('it is not signed by the key that it asks for');
  return { request: value, vkey };
}

/** Which of the requests can be signed. Two of one device with different keys are refused both: one is not the device's. */
export function sortRequests(p: Checks, note: TrustNote, files: readonly RequestFile[]): Sorted {
  const sorted: Sorted = { good: [], refused: [] };
  const revoked = new Set(note.devices.map(({ vkey }) => vkey));
  const byDevice = new Map<string, Sorted['good']>();
  for (const { file, bytes } of files) {
    try {
      const { request, vkey } = readRequest(p, note.org, bytes);
      if (revoked.has(request.vkey)) throw new FormatError('the key that it asks for was revoked');
      const others = byDevice.get(request.device) ?? [];
      byDevice.set(request.device, others);
      if (!others.some((other) => other.request.vkey === request.vkey)) others.push({ file, request, vkey });
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      sorted.refused.push({ file, why: error.message });
    }
  }
  for (const requests of byDevice.values()) {
    if (requests.length === 1) sorted.good.push(requests[0]!);
    else {
      const why = 'two requests name this device, each with another key; ask it for a new one';
      sorted.refused.push(...requests.map(({ file }) => ({ file, why })));
    }
  }
  return sorted;
}

export interface EnrolmentTerms {
  from: string;
  until: string;
  /** Who enrols, for people. */
  by: string;
}

/** Below `<org>` in the store. */
export const enrolmentName = (org: string, device: string, vkey: Vkey): string =>
  `${org}/${device}/identity/${toHex(vkey.hash)}.note`;

/**
 * Signs one and writes it where the store's layout has it below `target`.
 *
 * @returns 'exists' when this authority enrolled the key before: an enrolment is not made anew. Throws TRUST_EXISTS
 * when something else is in its place.
 */
export function enrol(
  p: Checks,
  target: string,
  { request, vkey }: Sorted['good'][number],
  authority: Signer,
  terms: EnrolmentTerms,
): 'created' | 'exists' {
  const { v, org, device, vkey: text, name, account, protection } = request;
  const enrolment: Enrolment = { v, org, device, vkey: text, name, account, protection, ...terms };
  const file = join(target, enrolmentName(org, device, vkey));
  const there = readBounded(file);
  if (there !== null && isEnrolmentOf(p, there, text, authority.vkey)) return 'exists';
  return createOnly(file, signDocument('enrolment', enrolment, [authority]));
}

function isEnrolmentOf(p: Checks, bytes: Uint8Array, vkey: string, authority: Vkey): boolean {
  try {
    const { value, note } = parseDocument('enrolment', bytes);
    return value.vkey === vkey && isSignedBy(p, note, authority);
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

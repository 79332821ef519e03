import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { toHex } from '../../recording/format/bytes.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { deviceOrigin } from '../format/checkpoint.ts';
import type { Enrolment, EnrolmentRequest, TrustNote } from '../format/documents.ts';
import { parseDocument, signDocument } from '../format/signed-document.ts';
import { isSignedBy, parseNote } from '../format/signed-note.ts';
import { parseVkey, type Signer, type Vkey } from '../format/vkey.ts';
import { DeviceKeys, type IdentityNotes } from './device-keys.ts';
import { shortKey } from './entries.ts';
import { createOnly, readBounded } from './trust-folder.ts';
import type { Checks, Trust } from './verify-trust.ts';

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

/**
 * Takes out those whose device has a key that counts already, if it is not the one asked for: whoever knows a
 * device's name could otherwise get a second key for it. Its own next key follows by a change that both signed.
 *
 * @param target the store's layout, or a copy of it.
 */
export async function withoutSecondKeys(
  p: Checks,
  trust: Trust & { note: TrustNote },
  target: string,
  { good, refused }: Sorted,
): Promise<Sorted> {
  const sorted: Sorted = { good: [], refused: [...refused] };
  for (const one of good) {
    const { device, vkey } = one.request;
    const notes = readIdentity(join(target, trust.note.org, device, 'identity'));
    const keys = await DeviceKeys.read(p, trust, device, notes);
    const inForce = keys.known().filter((known) => keys.judge(parseVkey(p.sha256, known), null).ok);
    if (inForce.length === 0 || inForce.includes(vkey)) sorted.good.push(one);
    else {
      const why = `its device has the key ${shortKey(inForce[0]!)} already; if that is lost, revoke it first`;
      sorted.refused.push({ file: one.file, why });
    }
  }
  return sorted;
}

/** The files of one device's `identity` folder, by the names that the SPEC gives them. */
function readIdentity(folder: string): IdentityNotes {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.note'));
  } catch {
    names = [];
  }
  const read = (pattern: RegExp) =>
    names
      .filter((name) => pattern.test(name))
      .flatMap((name) => {
        const bytes = readBounded(join(folder, name));
        return bytes === null ? [] : [{ bytes, seen: null }];
      });
  return {
    enrolments: read(/^[0-9a-f]{8}\.note$/),
    bindings: read(/\.oidc\.note$/),
    changes: read(/\.change\.note$/),
  };
}

/** The device's keys that an identity document names. Throws FormatError for what is none. */
export function keysNamedIn(bytes: Uint8Array): string[] {
  const [line = ''] = parseNote(bytes).text.split('\n', 1);
  if (line.startsWith('countersign/key-change/')) {
    const { value } = parseDocument('key-change', bytes);
    return [value.old, value.new];
  }
  const kind = (['enrolment', 'enrolment-request', 'binding'] as const).find((one) =>
    line.startsWith(`countersign/${one}/`),
  );
  if (kind === undefined) throw new FormatError('it names no key of a device');
  return [parseDocument(kind, bytes).value.vkey];
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

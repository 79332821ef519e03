import { randomBytes } from 'node:crypto';
import { CountersignError } from '../../contract/errors.ts';
import { fromBase64, toBase64, toHex } from '../../recording/format/bytes.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { parseDocument, signDocument } from '../format/signed-document.ts';
import { parseVkey } from '../format/vkey.ts';
import { DeviceKeys, type IdentityNotes } from '../trust/device-keys.ts';
import { bindingNonce } from '../trust/id-token.ts';
import { type Device, identityEntry } from './device.ts';
import { isProperlyKept, type KeyPlaces } from './device-keys.ts';
import { addNotes, readTrust } from './trust-notes.ts';

/**
 * Makes the device's key fit for an organisation and names that organisation by its root's key, which a person
 * brings along. Throws DEVICE_ENROLLED, DEVICE_KEY_NOWHERE, TRUST_ROOT.
 *
 * @returns the signed request that an authority of the organisation answers with an enrolment.
 */
export async function askEnrolment(
  device: Device,
  rootVkey: string,
  places: KeyPlaces = device.options.places,
): Promise<Uint8Array> {
  const org = orgOf(rootVkey);
  if (device.file.org !== null && device.file.org !== org) {
    throw new CountersignError(
      'DEVICE_ENROLLED',
      `this device belongs to ${device.file.org}; to join ${org}, move ${device.home} away and begin anew`,
    );
  }
  if (!isProperlyKept(device.key, places.protection)) await device.rotateKey(places);
  const { asked } = device.file;
  // The same random again, since a token may already be under way for it.
  const random = asked?.org === org && asked.random !== null ? asked.random : toBase64(randomBytes(16));
  device.save({ asked: { org, root: rootVkey.trim(), random } });
  const { id, key, file } = device;
  const request = {
    v: 1,
    org,
    device: id,
    vkey: key.vkey,
    name: file.name,
    account: file.account,
    protection: places.protection,
    at: device.now(),
  } as const;
  return signDocument('enrolment-request', request, [device.signer]);
}

function orgOf(rootVkey: string): string {
  try {
    const { name } = parseVkey(p.sha256, rootVkey.trim());
    if (name.startsWith('countersign/org/')) return name.slice('countersign/org/'.length);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
  }
  throw new CountersignError(
    'TRUST_ROOT',
    'the root is not a key of the form countersign/org/<org>+<8 hex digits>+<base64>; take it from whoever made it, never from the store',
  );
}

/** What an ID token for this device has to have as its `nonce`. */
export function nonceOf(device: Device): string {
  return bindingNonce(p, device.signer.vkey.key, fromBase64(askedBy(device).random)!);
}

function askedBy(device: Device): { org: string; root: string; random: string } {
  const { asked } = device.file;
  if (asked?.random != null) return { ...asked, random: asked.random };
  throw new CountersignError('DEVICE_NOT_ASKED', 'first name the organisation: countersign device enrol --root VKEY');
}

/** Verified from the root that was named when the device asked, or joined. Throws TRUST_NOTE_REFUSED. */
export async function takeTrust(device: Device, notes: readonly Uint8Array[]): Promise<void> {
  const root = device.file.root ?? askedBy(device).root;
  const { trust, added } = await addNotes(device.home, root, notes, device.now());
  if (device.file.root === null) device.save({ root });
  device.trust = trust;
  const newest = trust.history.at(-1);
  if (!added || newest === undefined) return;
  await device.log.append({ type: 'trust', at: newest.note.n, hash: newest.hash });
  device.changed();
}

/** Takes up what an authority answered. Throws ENROLMENT_REFUSED with the reason. */
export async function acceptEnrolment(device: Device, bytes: Uint8Array): Promise<void> {
  const { value } = parsed('enrolment', bytes);
  if (value.device !== device.id || value.vkey !== device.key.vkey) {
    throw refused('it is for another device, or for a key that this one does not use');
  }
  await join(device, value.org, `${toHex(device.signer.vkey.hash)}.note`, bytes, 'enrolment');
}

/** Joins by rule: an ID token whose nonce binds the device's key. Throws ENROLMENT_REFUSED, DEVICE_NOT_ASKED. */
export async function bindByToken(device: Device, idToken: string): Promise<void> {
  const { org, random } = askedBy(device);
  const { id, key, file, signer } = device;
  const bytes = signDocument(
    'binding',
    { v: 1, org, device: id, vkey: key.vkey, name: file.name, idToken: idToken.trim(), random },
    [signer],
  );
  await join(device, org, `${toHex(signer.vkey.hash)}.oidc.note`, bytes, 'binding');
}

async function join(
  device: Device,
  org: string,
  name: string,
  bytes: Uint8Array,
  kind: 'enrolment' | 'binding',
): Promise<void> {
  const { root } = device.file;
  // Judged by the clock of now: what was read at the start knows no token that was made since.
  const trust = root === null ? null : readTrust(device.home, root, device.now());
  if (trust?.note == null) {
    throw refused('there is no trust note to judge it by; give the organisation’s with --trust');
  }
  device.trust = trust;
  const notes: IdentityNotes = { enrolments: [], bindings: [], changes: [] };
  const given = [{ bytes, seen: null }];
  const keys = await DeviceKeys.read(p, trust, device.id, {
    ...notes,
    ...(kind === 'enrolment' ? { enrolments: given } : { bindings: given }),
  });
  const verdict = keys.judge(device.signer.vkey, null);
  if (!verdict.ok) throw refused(keys.problems[0] ?? verdict.sentence);
  await device.keepIdentity(name, bytes);
  await device.log.append(identityEntry(kind, bytes));
  if (device.file.org !== org) await device.log.append({ type: 'enrolled', org, note: toBase64(p.sha256(bytes)) });
  device.save({ org, asked: null });
  device.changed();
}

function parsed<K extends 'enrolment'>(kind: K, bytes: Uint8Array) {
  try {
    return parseDocument(kind, bytes);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw refused(cause.message);
  }
}

const refused = (why: string): CountersignError =>
  new CountersignError('ENROLMENT_REFUSED', `the enrolment is not taken up: ${why}`);

import {
  type DeviceEnrolled,
  DeviceEnrolment,
  DeviceKeyChange,
  type DeviceKeyChanged,
  type DeviceWitness,
} from '../../contract/device.ts';
import { CountersignError } from '../../contract/errors.ts';
import { fromBase64, toBase64 } from '../../recording/format/bytes.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { COSIGNATURE, parseVkey } from '../format/vkey.ts';
import type { Device } from './device.ts';
import type { KeyPlaces } from './device-keys.ts';
import { acceptEnrolment, askEnrolment, bindByToken, nonceOf, takeTrust } from './membership.ts';

/** What a person has done to the device, whether its gateway runs or not. */
export interface DeviceSteps {
  enrol(input: DeviceEnrolment): Promise<DeviceEnrolled>;
  rotateKey(input: DeviceKeyChange): Promise<DeviceKeyChanged>;
  putWitness(witness: DeviceWitness): Promise<void>;
  removeWitness(name: string): Promise<void>;
}

export function deviceSteps(device: Device): DeviceSteps {
  return {
    enrol: (input) => device.change(() => enrol(device, DeviceEnrolment.parse(input))),
    rotateKey: (input) =>
      device.change(async () => {
        const { places, told } = placesFor(device, DeviceKeyChange.parse(input));
        await device.rotateKey(places);
        return { device: device.id, vkey: device.key.vkey, org: device.file.org, told };
      }),
    putWitness: (witness) =>
      device.change(async () => {
        assertWitness(witness);
        const others = device.file.witnesses.filter(({ vkey }) => vkey !== witness.vkey);
        device.save({ witnesses: [...others, witness] });
      }),
    removeWitness: (name) =>
      device.change(async () => {
        const left = device.file.witnesses.filter(({ vkey }) => vkey !== name && vkey.split('+')[0] !== name);
        if (left.length === device.file.witnesses.length) {
          throw new CountersignError('WITNESS_UNKNOWN', `no witness is called ${name} here`);
        }
        device.save({ witnesses: left });
      }),
  };
}

/** The places of the device, with what this one call brings for a new key. */
function placesFor(device: Device, { keyring, passphrase }: { keyring: boolean; passphrase?: string | undefined }) {
  const told: string[] = [];
  const own = device.options.places;
  const places: KeyPlaces = {
    ...own,
    ...(keyring ? {} : { keyring: async () => null }),
    passphrase: async (fresh) => (fresh && passphrase !== undefined ? passphrase : own.passphrase(fresh)),
    tell: (sentence) => told.push(sentence),
  };
  return { places, told };
}

async function enrol(device: Device, input: ReturnType<typeof DeviceEnrolment.parse>): Promise<DeviceEnrolled> {
  const { places, told } = placesFor(device, input);
  const request = input.root === undefined ? null : await askEnrolment(device, input.root, places);
  if (input.trust.length > 0) await takeTrust(device, input.trust.map(bytesOf));
  if (input.accept !== undefined) await acceptEnrolment(device, bytesOf(input.accept));
  if (input.idToken !== undefined) await bindByToken(device, input.idToken);
  const { file, id, key } = device;
  return {
    device: id,
    vkey: key.vkey,
    org: file.org,
    asked: file.asked?.org ?? null,
    request: request === null ? null : toBase64(request),
    nonce: input.nonce ? nonceOf(device) : null,
    told,
  };
}

/** The contract has let nothing else through. */
const bytesOf = (base64: string): Uint8Array => fromBase64(base64) ?? new Uint8Array(0);

function assertWitness({ vkey, url }: DeviceWitness): void {
  try {
    const { type } = parseVkey(p.sha256, vkey);
    if (type !== COSIGNATURE) throw new FormatError('a witness has a key of type cosignature/v1');
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new CountersignError('WITNESS_KEY', `this is no witness’ key: ${error.message}`);
  }
  if (!/^https?:\/\/[^\s]+$/.test(url)) throw new CountersignError('WITNESS_URL', 'a witness has an http(s) address');
}

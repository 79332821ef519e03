import { CountersignError, isCountersignError } from '../contract/errors.ts';
import type { GatewayStatus } from '../contract/status.ts';
import { type DeviceSteps, deviceSteps } from '../evidence/device/steps.ts';
import type { Cli } from './cli.ts';
import { askNewDevicePassphrase, type KeyOptions, withDevice } from './device-home.ts';
import { askPin } from './pin.ts';

/** By the gateway that runs, which takes the PIN; else on its files. */
export async function onDevice<T>(cli: Cli, options: KeyOptions, work: (steps: DeviceSteps) => Promise<T>): Promise<T> {
  const status = await statusOfGateway(cli);
  if (status !== null) {
    if (!status.pinSet)
      throw new CountersignError('PIN_NOT_SET', 'the gateway runs, and this takes the PIN: countersign pin set');
    return work(telling(cli, await runningDevice(cli, options)));
  }
  return withDevice(cli, options, (device) => work(telling(cli, deviceSteps(device))));
}

async function statusOfGateway(cli: Cli): Promise<GatewayStatus | null> {
  try {
    return await cli.control().call('status', {});
  } catch (error) {
    if (isCountersignError(error, 'CONTROL_UNREACHABLE')) return null;
    throw error;
  }
}

async function runningDevice(cli: Cli, options: KeyOptions): Promise<DeviceSteps> {
  const control = cli.control();
  const pin = await askPin(cli, 'Your PIN, to change what vouches for this device: ');
  const keyring = options.keyring !== false;
  let passphrase: string | undefined;

  /** The gateway says where the key can go; only where that is nowhere else is a passphrase chosen. */
  async function withPassphrase<R>(call: (key: { keyring: boolean; passphrase?: string }) => Promise<R>): Promise<R> {
    const key = () => ({ keyring, ...(passphrase === undefined ? {} : { passphrase }) });
    try {
      return await call(key());
    } catch (error) {
      if (!isCountersignError(error, 'DEVICE_KEY_NOWHERE') || passphrase !== undefined) throw error;
      cli.note(`The device's key is to be encrypted with a passphrase, which each start of the gateway then needs.`);
      const chosen = await askNewDevicePassphrase(cli, options.passphraseFile);
      if (chosen === null) throw error;
      passphrase = chosen;
      return call(key());
    }
  }

  return {
    enrol: (input) => withPassphrase((key) => control.call('enrolDevice', { ...input, ...key, pin })),
    rotateKey: () => withPassphrase((key) => control.call('rotateDeviceKey', { ...key, pin })),
    putWitness: async (witness) => void (await control.call('putDeviceWitness', { ...witness, pin })),
    removeWitness: async (name) => void (await control.call('removeDeviceWitness', { name, pin })),
  };
}

/** A person is told where a new key went. */
function telling(cli: Cli, steps: DeviceSteps): DeviceSteps {
  const note = <R extends { told: string[] }>(answer: R): R => {
    for (const sentence of answer.told) cli.note(sentence);
    return answer;
  };
  return {
    ...steps,
    enrol: async (input) => note(await steps.enrol(input)),
    rotateKey: async (input) => note(await steps.rotateKey(input)),
  };
}

import type { ControlHandlers } from '../../control/handlers.ts';
import type { Device } from './device.ts';
import { createDeviceView } from './device-view.ts';
import { deviceSteps } from './steps.ts';

type DeviceRoutes = 'device' | 'enrolDevice' | 'rotateDeviceKey' | 'putDeviceWitness' | 'removeDeviceWitness';

/** The control API's routes on the device. Presence was established by the server. */
export function createDeviceHandlers(device: Device): Pick<ControlHandlers, DeviceRoutes> {
  const steps = deviceSteps(device);
  return {
    device: createDeviceView(device),
    enrolDevice: ({ pin: _, ...input }) => steps.enrol(input),
    rotateDeviceKey: ({ pin: _, ...input }) => steps.rotateKey(input),
    async putDeviceWitness({ pin: _, ...witness }) {
      await steps.putWitness(witness);
      return {};
    },
    async removeDeviceWitness({ name }) {
      await steps.removeWitness(name);
      return {};
    },
  };
}

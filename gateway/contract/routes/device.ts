import { z } from 'zod';
import {
  DeviceEnrolled,
  DeviceEnrolment,
  DeviceKeyChange,
  DeviceKeyChanged,
  DeviceView,
  DeviceWitness,
} from '../device.ts';
import { Nothing, Pin, route } from './route.ts';

/** An organisation's trust notes over years. */
const MAX_TRUST = 16 * 1024 * 1024;

export const deviceRoutes = {
  device: route('GET', '/api/device', 'session', Nothing, DeviceView),
  /** Whose evidence this is, and by which key: it takes the PIN. */
  enrolDevice: {
    ...route('POST', '/api/device/enrol', 'session', DeviceEnrolment.extend({ pin: Pin }), DeviceEnrolled),
    maxBody: MAX_TRUST,
  },
  rotateDeviceKey: route(
    'POST',
    '/api/device/rotate-key',
    'session',
    DeviceKeyChange.extend({ pin: Pin }),
    DeviceKeyChanged,
  ),
  /** Adds or replaces. */
  putDeviceWitness: route('PUT', '/api/device/witnesses', 'session', DeviceWitness.extend({ pin: Pin }), Nothing),
  removeDeviceWitness: route(
    'POST',
    '/api/device/witnesses/remove',
    'session',
    z.object({ name: z.string().min(1).max(512), pin: Pin }),
    Nothing,
  ),
} as const;

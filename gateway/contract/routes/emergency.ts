import { z } from 'zod';
import { EmergencyReason, EmergencySettings, EmergencyState, MAX_EMERGENCY_MINUTES } from '../emergency.ts';
import { Nothing, Pin, route } from './route.ts';

export const emergencyRoutes = {
  emergency: route('GET', '/api/emergency', 'session', Nothing, EmergencyState),
  /** For so long the person's own PIN is enough where policy asks for a group; what it forbids stays forbidden. */
  beginEmergency: route(
    'POST',
    '/api/emergency/begin',
    'session',
    z.object({
      reason: EmergencyReason,
      minutes: z.number().int().min(1).max(MAX_EMERGENCY_MINUTES).optional(),
      pin: Pin,
    }),
    EmergencyState,
  ),
  endEmergency: route('POST', '/api/emergency/end', 'session', Nothing, EmergencyState),
  putEmergency: route(
    'PUT',
    '/api/emergency',
    'session',
    z.object({ settings: EmergencySettings, pin: Pin }),
    EmergencyState,
  ),
} as const;

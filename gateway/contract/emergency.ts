import { z } from 'zod';

export const MAX_EMERGENCY_MINUTES = 30;
export const EmergencyReason = z.string().trim().min(10, 'at least 10 characters').max(500);

/** Whether a person here may take what policy asks a group for, alone and for a while. Not there: nobody may. */
export const EmergencySettings = z.strictObject({
  allowed: z.boolean().default(false),
  minutes: z.number().int().min(1).max(MAX_EMERGENCY_MINUTES).default(MAX_EMERGENCY_MINUTES),
});
export type EmergencySettings = z.infer<typeof EmergencySettings>;

/** Emergency access (break-glass) that a person took. */
export const EmergencyView = z.object({
  id: z.string(),
  reason: z.string(),
  by: z.string(),
  since: z.iso.datetime(),
  until: z.iso.datetime(),
});
export type EmergencyView = z.infer<typeof EmergencyView>;

/** By which a decision was made that a group would have made otherwise; goes with each decision of the time. */
export const EmergencyMark = EmergencyView.pick({ id: true, reason: true });
export type EmergencyMark = z.infer<typeof EmergencyMark>;

export const EmergencyState = z.object({
  /** null: there is none. */
  active: EmergencyView.nullable(),
  settings: EmergencySettings,
  /** Why it cannot be begun, with who decides that; null: it can. */
  refusal: z.string().nullable(),
});
export type EmergencyState = z.infer<typeof EmergencyState>;

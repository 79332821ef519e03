import { z } from 'zod';

/** What a decision channel proves, weakest first. */
export const PRESENCE_LEVELS = ['click', 'pin', 'passkey'] as const;
export const PresenceLevel = z.enum(PRESENCE_LEVELS);
export type PresenceLevel = z.infer<typeof PresenceLevel>;

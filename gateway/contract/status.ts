import { z } from 'zod';
import { SessionPause } from './decision.ts';
import { DeviceStatus } from './device.ts';
import { EmergencyView } from './emergency.ts';
import { HaltView } from './halt.ts';

export const GatewayStatus = z.object({
  version: z.string(),
  /** protected: the gateway runs as an OS user of its own. */
  protection: z.enum(['protected', 'unprotected']),
  /** Sentences; empty when all is well. */
  recorder: z.object({ ok: z.boolean(), error: z.string().nullable(), bytes: z.number() }),
  policy: z.object({ hash: z.string(), staged: z.string().nullable(), error: z.string().nullable() }),
  pinSet: z.boolean(),
  waiting: z.number().int(),
  openSessions: z.number().int(),
  postgres: z.object({ host: z.string(), port: z.number().int() }),
  /** Local account the gateway takes the person to be, until there is an identity provider. */
  identity: z.string(),
  device: DeviceStatus,
  /** Native notifications of this desktop: do they work, and by whom, or why not. */
  notifications: z.object({ ok: z.boolean(), sentence: z.string() }),
  /** Stopped by a person; null: not. */
  halt: HaltView.nullable(),
  /** What to know of the organisation's signed settings; null: all is well, or there are none. */
  administration: z.string().nullable(),
  /** A person took it; null: there is none. */
  emergency: EmergencyView.nullable(),
  /** Sessions that are not asked about any more, since nobody answered. */
  pauses: z.array(SessionPause),
});
export type GatewayStatus = z.infer<typeof GatewayStatus>;

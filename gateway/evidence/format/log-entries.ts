import { z } from 'zod';
import { DeviceId, OrgName } from './documents.ts';

/** Entries of a device's log, SPEC.md. At most 65,535 bytes each as JSON (C2SP tlog-tiles). */
export const MAX_ENTRY_BYTES = 65_535;

const count = z.number().int().min(0);
const hash = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);
const sid = z.string().regex(/^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$/);
const text = z.string().max(2000);
const base = { v: z.literal(1), n: count, t: z.iso.datetime({ precision: 3 }) };
const protection = z.enum(['protected', 'unprotected']);

export const GapKind = z.enum([
  'stopped',
  'unclean',
  'observe',
  'sync-overdue',
  'recorder-failed',
  'clock-changed',
  'way-around',
  'identity-offline',
]);

export const LogEntry = z.discriminatedUnion('type', [
  z.object({
    ...base,
    type: z.literal('device'),
    device: DeviceId,
    org: OrgName.nullable(),
    vkey: text,
    name: text,
    account: text,
    protection,
    version: text,
  }),
  z.object({ ...base, type: z.literal('enrolled'), org: OrgName, note: hash }),
  z.object({ ...base, type: z.literal('started'), version: text, boot: text, policy: text, config: text, protection }),
  z.object({ ...base, type: z.literal('stopped'), reason: text }),
  z.object({
    ...base,
    type: z.literal('session-opened'),
    sid,
    key: hash,
    open: hash,
    connection: text,
    identity: text,
    sync: z.enum(['all', 'local']),
  }),
  z.object({
    ...base,
    type: z.literal('session-closed'),
    sid,
    state: z.enum(['closed', 'incomplete']),
    size: count,
    root: hash,
    units: count,
    sums: hash,
  }),
  z.object({
    ...base,
    type: z.literal('heartbeat'),
    open: z.array(z.tuple([sid, count, hash])).max(400),
    queued: z.object({ objects: count, bytes: count }),
    trust: count,
  }),
  z.object({ ...base, type: z.literal('policy'), hash: text, by: text }),
  z.object({ ...base, type: z.literal('config'), hash: text, by: text, what: text.optional() }),
  z.object({
    ...base,
    type: z.literal('halt'),
    kind: z.enum(['pause', 'panic', 'resumed', 'over']),
    until: text,
    by: text,
  }),
  z.object({ ...base, type: z.literal('gap'), kind: GapKind, from: text, until: text, detail: text }),
  z.object({ ...base, type: z.literal('key'), vkey: text }),
  z.object({ ...base, type: z.literal('identity'), kind: z.enum(['enrolment', 'binding', 'key-change']), hash }),
  z.object({ ...base, type: z.literal('trust'), at: count, hash }),
  z.object({ ...base, type: z.literal('omitted'), sid, what: text, count, bytes: count, rule: text }),
  z.object({ ...base, type: z.literal('removed'), sid, why: text, rule: text, by: text, synced: z.boolean() }),
  z.object({ ...base, type: z.literal('hold'), what: text, set: z.boolean(), by: text, why: text }),
  z.object({
    ...base,
    type: z.literal('grant'),
    id: sid,
    state: z.enum(['given', 'ended', 'revoked']),
    scope: z.enum(['session', 'conversation', 'minutes']),
    reach: z.enum(['exact', 'pattern', 'shape']),
    approval: sid,
    until: text,
    uses: count,
    by: text,
  }),
  z.object({
    ...base,
    type: z.literal('emergency'),
    id: sid,
    state: z.enum(['begun', 'ended', 'over']),
    until: text,
    reason: text,
    by: text,
  }),
  /** The organisation's signed settings. */
  z.object({
    ...base,
    type: z.literal('administration'),
    state: z.enum(['applied', 'refused', 'expired']),
    set: count,
    hash: hash.or(z.literal('')),
    by: text,
    detail: text,
  }),
  /** Somebody else's sessions were looked at. */
  z.object({
    ...base,
    type: z.literal('read'),
    how: z.enum(['opened', 'searched', 'listed']),
    sids: z.array(sid).min(1).max(500),
    by: text,
  }),
  z.object({ ...base, type: z.literal('alert'), rule: text, sid, exchange: count, severity: text }),
]);
export type LogEntry = z.infer<typeof LogEntry>;
/** An entry before it has its place and time. */
export type NewLogEntry = LogEntry extends infer E ? (E extends LogEntry ? Omit<E, 'v' | 'n' | 't'> : never) : never;

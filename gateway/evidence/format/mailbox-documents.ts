import { z } from 'zod';
import { Verdict } from '../../contract/decision.ts';
import { Operation } from '../../contract/operation.ts';
import { PasskeyProof } from '../../contract/passkey.ts';
import { PresenceLevel } from '../../contract/presence.ts';
import { DeviceId, OrgName, Recipient, Time, Vkey } from './documents.ts';

/** What travels through the mailbox, SPEC.md "Mailbox". */

const Digest = z.string().regex(/^[0-9a-f]{64}$/);
const ApprovalId = z.string().regex(/^[0-9A-Za-z-]{1,64}$/);
/** 16 random bytes, made for this one request: no decision on another is a decision on it. */
const Nonce = z.string().regex(/^[0-9a-f]{32}$/);

/** Which device speaks, with the documents by which its key is the organisation's. */
const sender = {
  v: z.literal(1),
  org: OrgName,
  device: DeviceId,
  vkey: Vkey,
  name: z.string().min(1).max(253),
  account: z.string().min(1).max(320),
  /** Files of its identity folder: [name, base64]. */
  identity: z.array(z.tuple([z.string().max(200), z.base64().max(120_000)])).max(20),
  issuedAt: Time,
  expiresAt: Time,
};

export const ApprovalRequest = z.strictObject({
  ...sender,
  approval: ApprovalId,
  nonce: Nonce,
  /** To whom decisions are encrypted; its key is in the memory of the gateway that asks, and nowhere else. */
  reply: Recipient,
  operation: Operation,
  verdict: Verdict,
  estimatedRows: z.number().nullable(),
});
export type ApprovalRequest = z.infer<typeof ApprovalRequest>;

export const ApprovalDecision = z.strictObject({
  v: z.literal(1),
  org: OrgName,
  /** That asked. */
  device: DeviceId,
  approval: ApprovalId,
  nonce: Nonce,
  digest: Digest,
  decision: z.enum(['approve', 'deny']),
  person: z.string().min(1).max(320),
  vkey: Vkey,
  /** What the approver proved at their gateway. */
  level: PresenceLevel,
  proof: PasskeyProof.nullable(),
  message: z.string().max(500).nullable(),
  at: Time,
});
export type ApprovalDecision = z.infer<typeof ApprovalDecision>;

export const ApproverNotice = z.strictObject({
  ...sender,
  id: Nonce,
  /** null: to every approver. */
  group: z.string().min(1).max(256).nullable(),
  title: z.string().min(1).max(200),
  sentence: z.string().min(1).max(2000),
});
export type ApproverNotice = z.infer<typeof ApproverNotice>;

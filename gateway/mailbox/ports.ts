import type { ApprovalsAdmin } from '../approvals/admin.ts';
import type { Approval } from '../contract/decision.ts';
import type { Identity } from '../contract/identity.ts';
import type { MailNotice } from '../contract/mailbox.ts';
import type { Signer } from '../evidence/format/vkey.ts';
import type { Trust } from '../evidence/trust/verify-trust.ts';
import type { Clock } from '../pipeline/ports.ts';

/** The device, as far as letters are written in its name. */
export interface MailDevice {
  readonly id: string;
  /** null: it belongs to no organisation. */
  readonly org: string | null;
  readonly name: string;
  readonly account: string;
  readonly signer: Signer;
  readonly trust: Trust | null;
  identityObjects(): Promise<{ name: string; bytes: Uint8Array }[]>;
}

/** The key with which this machine's person decides on other people's requests. */
export interface ApproverKey {
  signer: Signer;
  /** `AGE-SECRET-KEY-1…`: opens what is encrypted to approvers. */
  identity: string;
}

export interface MailDeps {
  device: MailDevice;
  clock: Clock;
  approvals: Pick<ApprovalsAdmin, 'get' | 'vote' | 'decide' | 'travels'>;
  /** Whose decisions are taken at this machine. */
  person(): Identity;
  /** A request of another machine came, or ended. */
  changed(approval: Approval): void;
  /** Something that approvers are told and have not to decide. */
  onNotice(notice: MailNotice): void;
  onProblem(sentence: string): void;
}

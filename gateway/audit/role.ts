import * as fs from 'node:fs';
import { join } from 'node:path';
import { CountersignError } from '../contract/errors.ts';
import type { AuditorEntry } from '../evidence/format/documents.ts';
import { verifyTrust } from '../evidence/trust/verify-trust.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import type { NewAuditLogEntry } from './audit-log.ts';

/** What makes something of other people's recordings that leaves the workspace. */
const HANDS_ON: ReadonlySet<NewAuditLogEntry['type']> = new Set(['exported', 'redacted', 'retention']);

/**
 * Readers look, search and verify; what is handed on is an auditor's to make. Who is which is said by the newest
 * trust note that was imported; whom none names at all reads what was encrypted to nobody, and is not judged. The
 * workspace is its owner's: this keeps a role, it guards no secret. Throws AUDIT_READER.
 */
export function assertMay(
  type: NewAuditLogEntry['type'],
  { trustFolder, root, recipient, now }: { trustFolder: string; root: string; recipient: string; now: number },
): void {
  if (!HANDS_ON.has(type)) return;
  const names = fs.existsSync(trustFolder) ? fs.readdirSync(trustFolder).filter((name) => name.endsWith('.note')) : [];
  const at = new Date(now).toISOString();
  const notes = names.sort().map((name) => fs.readFileSync(join(trustFolder, name)));
  const own = verifyTrust(p, root, notes, at).note?.auditors.filter((entry) => entry.recipient === recipient) ?? [];
  const inForce = own.filter((entry) => counts(entry, now));
  if (own.length === 0 || inForce.some(({ role }) => role === 'auditor')) return;
  throw new CountersignError(
    'AUDIT_READER',
    inForce.length > 0
      ? 'the trust note names you as a reader: you may look, search and verify; ask an auditor to redact, export or report'
      : 'your entry in the trust note has ended or was revoked: what you have you may look at, and hand nothing on; ask the organisation’s root',
  );
}

const counts = ({ from, until, revoked }: AuditorEntry, now: number): boolean =>
  now >= Date.parse(from) && now < Date.parse(until) && (revoked === null || now < Date.parse(revoked.at));

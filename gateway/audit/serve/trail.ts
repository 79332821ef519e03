import type { LoggedAction } from '../../contract/audit.ts';
import type { AuditLog, AuditLogEntry } from '../audit-log.ts';
import { plural } from '../verify/report.ts';

/** The auditor's log as sentences, the newest first; an entry that is not understood says so. */
export function readTrail(
  log: AuditLog,
  { offset, limit }: { offset: number; limit: number },
): { items: LoggedAction[]; total: number } {
  const all = [...log.entries()];
  const items = all
    .toReversed()
    .slice(offset, offset + limit)
    .map((bytes) => {
      const entry = JSON.parse(Buffer.from(bytes).toString()) as AuditLogEntry;
      return { n: entry.n, at: entry.t, by: entry.by, sentence: sentenceOf(entry) };
    });
  return { items, total: all.length };
}

function sentenceOf(entry: AuditLogEntry): string {
  switch (entry.type) {
    case 'workspace':
      return `Made this workspace for ${entry.org}.`;
    case 'imported':
      return `Imported ${entry.source}: ${plural(entry.objects, 'new object')}.`;
    case 'verified':
      return `Verified ${entry.what}: ${entry.ok ? 'it holds' : `${plural(entry.failed, 'session')} failed, or the log did`}.`;
    case 'opened':
      return `Opened session ${entry.sid} (${entry.how}).`;
    case 'searched':
      return `Searched for ${entry.words === '' ? 'everything' : entry.words}: ${plural(entry.found, 'statement')}.`;
    case 'exported':
      return `Exported as ${entry.format}, to ${entry.to}: ${entry.what}`;
    case 'redacted':
      return `Redacted session ${entry.sid}: ${entry.what}${entry.why === '' ? '' : ` (${entry.why})`}.`;
    case 'retention':
      return `Retention of the team’s index: ${entry.what} (${entry.why}).`;
    default:
      return 'Did something that this version does not know.';
  }
}

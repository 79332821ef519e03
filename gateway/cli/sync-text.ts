import type { SyncStatus } from '../contract/sync.ts';
import { duration } from './cli.ts';
import { bytes } from './sessions-text.ts';
import { visibleLine } from './terminal/visible.ts';

/** "20G", "500M", "64k" as bytes; null where it is none. */
export function parseBytes(text: string): number | null {
  const match = /^(\d{1,9})\s*([kKmMgGtT])?(?:i?[bB])?$/.exec(text.trim());
  if (match === null) return null;
  const power = match[2] === undefined ? 0 : 'kmgt'.indexOf(match[2].toLowerCase()) + 1;
  return Number(match[1]) * 1024 ** power;
}

const STATES: Record<SyncStatus['state'], string> = {
  off: 'No store is set up; everything stays on this machine.',
  paused: 'Paused; go on with: countersign sync resume',
  blocked: 'Nothing is sent until a person acts.',
  failing: 'The store cannot be used at present; what is recorded waits.',
  sending: 'Sending.',
  'up-to-date': 'Everything is in the store.',
};

const KEEPING = { all: 'recorded and sent', local: 'recorded, and stay here', omit: 'not recorded' } as const;

/** The status as lines, the first of them the answer. */
export function statusLines(status: SyncStatus): string[] {
  const { queue, encryption, confirmed, disk, lastError } = status;
  const lines = [STATES[status.state]];
  const line = (label: string, text: string) => lines.push(`${label.padEnd(12)}${text}`);
  if (lastError !== null) line('last error', `${visibleLine(lastError.sentence)} (${lastError.at})`);
  if (status.target !== null) {
    line('store', visibleLine(status.target));
    line(
      'encrypted',
      encryption.on
        ? `to ${encryption.recipients} ${encryption.recipients === 1 ? 'recipient' : 'recipients'} of the trust note`
        : 'no: the trust note names no recipient',
    );
    const rate = status.rate > 0 ? `, ${bytes(status.rate)}/s` : '';
    line('waiting', `${bytes(queue.bytes)} of ${queue.sessions} sessions, ${queue.objects} objects prepared${rate}`);
    if (status.oldestWaiting !== null)
      line('oldest', `${duration(status.behindSeconds * 1000)} (since ${status.oldestWaiting})`);
    line(
      'confirmed',
      `${confirmed.objects} objects, ${bytes(confirmed.bytes)}${confirmed.at === null ? '' : `, last ${confirmed.at}`}`,
    );
  }
  if (status.localSessions > 0) line('stay here', `${status.localSessions} sessions, as their connections say`);
  const kept = Object.entries(status.keeping).filter(([, keeping]) => keeping !== 'all');
  for (const [kind, keeping] of kept) line(kind, KEEPING[keeping]);
  line('this disk', `${bytes(disk.bytes)}${disk.budget === null ? '' : ` of ${bytes(disk.budget)}`}`);
  for (const sentence of status.capabilities?.sentences ?? []) line('', visibleLine(sentence));
  for (const { at, sentence } of status.findings)
    line('finding', `${visibleLine(sentence)}${at === null ? '' : ` (${at})`}`);
  return lines;
}

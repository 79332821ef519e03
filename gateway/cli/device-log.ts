import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { deviceFolder } from '../evidence/device/device-file.ts';
import { readFrames } from '../evidence/device/entry-frames.ts';
import { LogEntry } from '../evidence/format/log-entries.ts';
import type { Cli } from './cli.ts';
import { deviceFileOf } from './device-home.ts';
import { visibleJson, visibleLine } from './terminal/visible.ts';
import { wholeNumber } from './whole-number.ts';

const HALTS: Record<Extract<LogEntry, { type: 'halt' }>['kind'], (halt: { until: string; by: string }) => string> = {
  pause: ({ until, by }) => `${by} paused the gateway${until === '' ? '' : ` until ${until}`}`,
  panic: ({ until, by }) => `${by} cut every connection${until === '' ? '' : ` until ${until}`}`,
  resumed: ({ by }) => `${by} let it go on`,
  over: () => 'the time of the pause is over, and it goes on',
};

const EMERGENCIES = { begun: 'was begun', ended: 'was ended', over: 'ended' } as const;

const READS: Record<Extract<LogEntry, { type: 'read' }>['how'], string> = {
  opened: 'read sessions',
  searched: 'found something in sessions',
  listed: 'saw a list with sessions',
};

/** What an entry says, for a person; its own words are text from outside. */
export function entryInWords(entry: LogEntry): string {
  switch (entry.type) {
    case 'device':
      return `this log begins: ${entry.name}, account ${entry.account}, ${entry.protection}, version ${entry.version}`;
    case 'enrolled':
      return `the device belongs to ${entry.org}`;
    case 'started':
      return `the gateway started: version ${entry.version}, ${entry.protection}, policy ${entry.policy.slice(0, 12)}`;
    case 'stopped':
      return `the gateway stopped: ${entry.reason}`;
    case 'session-opened':
      return `session ${entry.sid} opened: ${entry.identity} on ${entry.connection}${entry.sync === 'local' ? ', kept on this machine' : ''}`;
    case 'session-closed':
      return `session ${entry.sid} ended (${entry.state}) with ${entry.size} events`;
    case 'heartbeat':
      return `runs, with ${entry.open.length} sessions open and ${entry.queued.objects} objects (${entry.queued.bytes} bytes) to send`;
    case 'policy':
      return `the policy is ${entry.hash.slice(0, 12)} by ${entry.by}`;
    case 'config':
      return `the configuration is ${entry.hash.slice(0, 12)}${entry.what === undefined ? '' : `: ${entry.what}`}${entry.by === '' ? '' : `, by ${entry.by}`}`;
    case 'halt':
      return HALTS[entry.kind](entry);
    case 'gap':
      return `gap (${entry.kind}) from ${entry.from} ${entry.until === '' ? 'on' : `until ${entry.until}`}${entry.detail === '' ? '' : `: ${entry.detail}`}`;
    case 'key':
      return `the key is ${entry.vkey} from here on`;
    case 'identity':
      return `a document of its identity is there (${entry.kind})`;
    case 'trust':
      return `trust note ${entry.at} was taken up`;
    case 'omitted':
      return `session ${entry.sid}: ${entry.what} left out by rule ${entry.rule} (${entry.count}, ${entry.bytes} bytes)`;
    case 'removed':
      return `the recording of session ${entry.sid} was deleted by ${entry.by} (${entry.rule}): ${entry.why}${entry.synced ? '' : '; it was in no store'}`;
    case 'hold':
      return `legal hold ${entry.set ? 'set on' : 'lifted from'} ${entry.what} by ${entry.by}: ${entry.why}`;
    case 'grant':
      return `grant ${entry.id} of request ${entry.approval} ${entry.state}, by ${entry.by}: ${entry.reach}, ${entry.scope === 'session' ? 'in one session, ' : ''}until ${entry.until}, used ${entry.uses} times`;
    case 'emergency':
      return `emergency access ${EMERGENCIES[entry.state]} by ${entry.by}, until ${entry.until}: ${entry.reason}`;
    case 'administration':
      return `set ${entry.set} of the organisation ${entry.state}${entry.by === '' ? '' : `, by ${entry.by}`}${entry.detail === '' ? '' : `: ${entry.detail}`}`;
    case 'read':
      return `${entry.by} ${READS[entry.how]} of other people: ${entry.sids.join(', ')}`;
    case 'alert':
      return `alert ${entry.rule} (${entry.severity}) in session ${entry.sid}, exchange ${entry.exchange}`;
  }
}

export interface LogOptions {
  from?: string;
  last: string;
  json?: boolean;
}

const LARGEST = Number.MAX_SAFE_INTEGER;

/** Reads the file beside a gateway that may be writing it; says nothing about whether it is whole. */
export async function printLog(cli: Cli, options: LogOptions): Promise<void> {
  deviceFileOf(cli);
  const from = options.from === undefined ? null : wholeNumber(options.from, '--from', 0, LARGEST);
  const last = wholeNumber(options.last, '--last', 1, 100_000);
  const file = await open(join(deviceFolder(cli.home()), 'log', 'entries'), 'r');
  const kept: string[] = [];
  let n = 0;
  try {
    for await (const { entries } of readFrames(file, 0, (await file.stat()).size)) {
      for (const bytes of entries) {
        if (from !== null && n >= from) cli.out(lineOf(bytes, options.json === true));
        else if (from === null) {
          kept.push(lineOf(bytes, options.json === true));
          if (kept.length > last) kept.shift();
        }
        n += 1;
      }
    }
  } finally {
    await file.close();
  }
  for (const line of kept) cli.out(line);
}

function lineOf(bytes: Uint8Array, json: boolean): string {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return visibleLine(Buffer.from(bytes).toString('latin1'));
  }
  if (json) return visibleJson(value);
  const entry = LogEntry.safeParse(value);
  if (!entry.success) return visibleJson(value);
  const { n, t } = entry.data;
  return visibleLine(`${String(n).padStart(6)}  ${t}  ${entryInWords(entry.data)}`);
}

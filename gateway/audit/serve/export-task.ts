import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { exportOne } from '../../cli/audit-export.ts';
import type { Cli } from '../../cli/cli.ts';
import type { SessionDeps } from '../../cli/sessions.ts';
import { CountersignError } from '../../contract/errors.ts';
import * as recordings from '../../recording/reader.ts';
import { plural } from '../verify/report.ts';
import { openWorkspace } from '../workspace.ts';
import type { TaskContext } from './task-context.ts';
import type { Task, TaskResults } from './tasks.ts';

const COLUMNS = 120;
/** Seconds; what is idle for longer is cut in a replay. */
const IDLE = 2;

const notHere = (): never => {
  throw new CountersignError('AUDIT_EXPORT_FAILED', 'an export asked for something that the console has not');
};

/** The same lines as `countersign audit export` writes, into a new file. */
export async function exportInto(
  { folder, sids, format, statement, texts, out }: Extract<Task, { kind: 'export' }>,
  { signal, progress }: TaskContext,
): Promise<TaskResults['export']> {
  const { recordingsDir } = openWorkspace(folder);
  const notes: string[] = [];
  const cli: Cli = {
    out: notHere,
    note: (text) => void notes.push(text),
    env: {},
    home: notHere,
    control: notHere,
    get prompt() {
      return notHere();
    },
    signal,
    exitWith: notHere,
  };
  const deps: SessionDeps = {
    recordingsDir: () => recordingsDir,
    openStore: notHere,
    gateway: () => null,
    remover: () => null,
    recordings,
    verify: notHere,
    exportBundle: notHere,
    terminal: { columns: COLUMNS, color: false },
    now: () => Date.now(),
    sleep: async () => {},
  };
  const stream = createWriteStream(out, { mode: 0o600, flags: 'wx' });
  const write = async (line: string): Promise<void> => {
    if (!stream.write(`${line}\n`)) await new Promise<void>((resolve) => stream.once('drain', () => resolve()));
  };
  // A file that cannot be written ends the work: whoever waits for room would wait for ever.
  const broken = new Promise<never>((_, reject) => stream.once('error', reject));
  let done = 0;
  const all = async () => {
    for (const sid of sids) {
      if (signal.aborted) throw new CountersignError('STOPPED', 'It was stopped; what was written is not whole.');
      const found = await recordings.findSession(recordingsDir, sid);
      if (found === null)
        throw new CountersignError('SESSION_UNKNOWN', `There is no recording of session ${sid} here.`);
      const opened = { folder: found, session: await recordings.readSession(found), close: () => {} };
      const options = { format, withText: texts, columns: COLUMNS, idle: IDLE };
      await exportOne(cli, deps, opened, statement === null ? options : { ...options, statement }, write);
      done += 1;
      progress({ sentence: `Writing ${plural(sids.length, 'session')}`, done, of: sids.length });
    }
  };
  try {
    await Promise.race([all(), broken]);
  } finally {
    stream.end();
    await finished(stream).catch(() => {});
  }
  return { sessions: done, notes };
}

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import type { Verification } from '../contract/session.ts';
import type { Cli } from './cli.ts';
import type { SessionDeps } from './sessions.ts';
import { folderOf } from './sessions-find.ts';
import { type Style, styled } from './terminal/style.ts';
import { visibleJson, visibleLine } from './terminal/visible.ts';

interface VerifyOptions {
  head?: string;
  json?: boolean;
}

const MARKS: Readonly<Record<string, readonly [word: string, style: Style]>> = {
  ok: ['ok         ', 'green'],
  failed: ['FAILED     ', 'red'],
  'not-checked': ['not checked', 'yellow'],
};

/** Exit codes: 0 all that was checked holds, 1 something does not, 2 nothing could be checked. */
async function verify(cli: Cli, deps: SessionDeps, what: string, { head, json }: VerifyOptions): Promise<void> {
  try {
    if (head !== undefined && !existsSync(head)) {
      throw new CountersignError('USAGE', `there is no file ${visibleLine(head)} for --head`);
    }
    const options = head === undefined ? {} : { headFile: head };
    const results: Verification[] = [];
    for (const target of await targets(deps, what)) {
      const verification = await deps.verify(target, options);
      results.push(verification);
      if (!json) tell(cli, deps, verification);
    }
    if (json) cli.out(visibleJson(results.length === 1 ? results[0] : results, 2));
    const broken = results.filter(({ ok }) => !ok).length;
    if (results.length > 1 && !json) cli.out(`${results.length - broken} of ${results.length} sessions verified`);
    if (broken > 0) cli.exitWith(1);
  } catch (error) {
    if (!isCountersignError(error)) throw error;
    cli.note(`countersign: ${error.message}`);
    cli.exitWith(2);
  }
}

/** A session by its ID, a bundle, a session's folder, or all sessions of a folder of recordings. */
async function targets(deps: SessionDeps, what: string): Promise<string[]> {
  if (!existsSync(what)) return [await folderOf(deps, what)];
  if (!statSync(what).isDirectory() || existsSync(join(what, 'open.json'))) return [what];
  const found: string[] = [];
  for await (const folder of deps.recordings.sessionFolders(what)) found.push(folder);
  if (found.length === 0) {
    throw new CountersignError('NO_SESSIONS', `${visibleLine(what)} holds no recorded session`);
  }
  return found;
}

function tell(cli: Cli, deps: SessionDeps, verification: Verification): void {
  for (const check of verification.checks) {
    const [word, style] = MARKS[check.status]!;
    cli.out(`${styled(word, style, deps.terminal)}  ${visibleLine(check.name)}: ${visibleLine(check.sentence)}`);
  }
  for (const [first, last] of verification.brokenExchanges) {
    cli.out(`             damaged: ${first === last ? `exchange ${first}` : `exchanges ${first} to ${last}`}`);
  }
  const { ok, sessionId, state } = verification;
  const word = styled(ok ? 'VERIFIED' : 'NOT VERIFIED', ok ? 'green' : 'red', deps.terminal);
  cli.out(`${word}: session ${visibleLine(sessionId)} (${state})`);
}

export function registerVerify(sessions: Command, cli: Cli, deps: SessionDeps): void {
  sessions
    .command('verify <what>')
    .description(
      'check a session (an ID), a bundle (a file) or a folder of one or many; exit code 0, 1 (broken) or 2 (not to be checked)',
    )
    .option('--head <file>', 'a head that had left the machine: shows whether the recording was cut since')
    .option('--json', 'as JSON')
    .action((what: string, options: VerifyOptions) => verify(cli, deps, what, options));
}

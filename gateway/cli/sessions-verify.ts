import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
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
    const target = existsSync(what) ? what : await folderOf(deps, what);
    const verification = await deps.verify(target, head === undefined ? {} : { headFile: head });
    if (json) cli.out(visibleJson(verification, 2));
    else {
      for (const check of verification.checks) {
        const [word, style] = MARKS[check.status]!;
        cli.out(`${styled(word, style, deps.terminal)}  ${visibleLine(check.name)}: ${visibleLine(check.sentence)}`);
      }
      for (const [first, last] of verification.brokenExchanges) {
        cli.out(`             damaged: ${first === last ? `exchange ${first}` : `exchanges ${first} to ${last}`}`);
      }
      const { ok, sessionId, state } = verification;
      cli.out(
        `${styled(ok ? 'VERIFIED' : 'NOT VERIFIED', ok ? 'green' : 'red', deps.terminal)}: session ${visibleLine(sessionId)} (${state})`,
      );
    }
    if (!verification.ok) cli.exitWith(1);
  } catch (error) {
    if (!isCountersignError(error)) throw error;
    cli.note(`countersign: ${error.message}`);
    cli.exitWith(2);
  }
}

export function registerVerify(sessions: Command, cli: Cli, deps: SessionDeps): void {
  sessions
    .command('verify <what>')
    .description(
      'check a session (an ID), a bundle (a file) or a folder; exit code 0, 1 (broken) or 2 (not to be checked)',
    )
    .option('--head <file>', 'a head that had left the machine: shows whether the recording was cut since')
    .option('--json', 'as JSON')
    .action((what: string, options: VerifyOptions) => verify(cli, deps, what, options));
}

import { spawnSync } from 'node:child_process';
import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import { accountOf, groupsOf } from '../protect/accounts.ts';
import { protectedLayout } from '../protect/layout.ts';
import { sourceOpenToOthers } from '../protect/program-copy.ts';
import { isThere } from '../protect/run.ts';
import { systemdRuns } from '../protect/service-process.ts';
import { earlierHomes, protectSteps, type Step, undoSteps, waysAround } from '../protect/steps.ts';
import type { Cli } from './cli.ts';
import { ensureConsole } from './console-build.ts';
import { wholeNumber } from './whole-number.ts';

interface ProtectOptions {
  user: string[];
  name?: string;
  port: string;
  consolePort: string;
  undo?: boolean;
  purge?: boolean;
  dryRun?: boolean;
}

const TOOLS = ['getent', 'useradd', 'userdel', 'usermod', 'groupadd', 'groupdel', 'install', 'setpriv'];

function assertPossible(dryRun: boolean): void {
  const refuse = (why: string) => {
    throw new CountersignError('PROTECT_NOT_HERE', why);
  };
  if (process.platform !== 'linux') refuse('protected mode is set up on Linux only, so far');
  if (process.getuid?.() !== 0 && !dryRun)
    refuse('this makes a user and a service: run it as root (sudo), or with --dry-run');
  const missing = TOOLS.filter((tool) => !isThere(tool));
  if (missing.length > 0) refuse(`this needs the programs ${missing.join(', ')}, which are not here`);
}

/** Whom the gateway is for: --user, else whoever called sudo. */
function developersOf(cli: Cli, named: readonly string[]): string[] {
  const names = named.length > 0 ? [...new Set(named)] : [cli.env.SUDO_USER ?? ''].filter((name) => name !== '');
  if (names.length === 0) throw new CountersignError('USAGE', 'say who works with it: --user NAME');
  for (const name of names) {
    const account = accountOf(name);
    if (account === null) throw new CountersignError('USAGE', `there is no user ${name}`);
    if (account.uid === 0)
      throw new CountersignError('USAGE', 'root can read everything; name the developer with --user');
  }
  return names;
}

async function walk(cli: Cli, steps: readonly Step[], dryRun: boolean): Promise<void> {
  for (const step of steps) {
    if (step.isDone()) {
      cli.out(`  already: ${step.what}`);
      continue;
    }
    cli.out(`  ${dryRun ? 'would' : '→'} ${step.what}`);
    if (!dryRun) await step.do();
  }
}

async function protect(cli: Cli, options: ProtectOptions): Promise<void> {
  const dryRun = options.dryRun ?? false;
  const layout = protectedLayout(options.name);
  assertPossible(dryRun);
  if (options.undo) {
    await walk(cli, undoSteps(layout, options.purge ?? false), dryRun);
    if (!options.purge) cli.out(`Recordings and keys stay in ${layout.home}, and the user ${layout.user} with them.`);
    return;
  }
  if (options.purge) throw new CountersignError('USAGE', '--purge goes with --undo');
  const developers = developersOf(cli, options.user);
  const ports = {
    port: wholeNumber(options.port, '--port', 1, 65_535),
    consolePort: wholeNumber(options.consolePort, '--console-port', 1, 65_535),
  };
  // What is copied is what is built here.
  const consoleProblem = dryRun ? null : await ensureConsole(cli.note);
  if (consoleProblem !== null) cli.note(`Warning: ${consoleProblem}.`);
  await walk(cli, protectSteps(layout, developers, ports), dryRun);
  const open = sourceOpenToOthers();
  if (open !== null) {
    cli.note(
      `Warning: others than root could change ${open}; what was copied is what was there now, whoever wrote it.`,
    );
  }
  for (const way of waysAround(developers, groupsOf)) cli.note(`Warning: ${way}.`);
  for (const name of developers) {
    if (
      process.getuid?.() === 0 &&
      spawnSync('sudo', ['-l', '-U', name], { encoding: 'utf8' }).stdout?.includes('NOPASSWD')
    ) {
      cli.note(`Warning: ${name} may use sudo without a password, and so may every program of theirs.`);
    }
  }
  for (const home of earlierHomes(developers)) {
    cli.note(
      `Nothing was moved from ${home}: connections and their passwords there are still ${home.split('/')[2]}'s to read.`,
    );
  }
  if (dryRun) return;
  const sudo = `sudo ${layout.name}`;
  cli.out('');
  cli.out(`Protected mode: the gateway runs as ${layout.user}${systemdRuns() ? ', by systemd' : ''}.`);
  cli.out(`  Console          http://localhost:${ports.consolePort}/`);
  cli.out(`  One-time code    ${sudo} code    (root only; later also with the PIN)`);
  cli.out(`  First PIN        in the console, or: ${layout.name} pin set`);
  cli.out(`  Let a client in  ${layout.name} connect NAME`);
  cli.out(`${developers.join(', ')}: log out and in again, so that the group ${layout.clientsGroup} takes effect.`);
}

export function registerProtect(program: Command, cli: Cli): void {
  program
    .command('protect')
    .description('as root: run the gateway under a user of its own, out of the reach of the developer and the agent')
    .option(
      '--user <name>',
      'a developer who works with it; may be repeated',
      (name, all: string[]) => [...all, name],
      [],
    )
    .option('--name <name>', 'another name for user, group, folders and service')
    .option('--port <n>', 'where PostgreSQL clients connect, on 127.0.0.1', '7432')
    .option('--console-port <n>', 'where the console is, on 127.0.0.1', '7716')
    .option('--dry-run', 'say what it would do')
    .option('--undo', 'take it away; recordings and keys stay')
    .option('--purge', 'with --undo: recordings, keys and passwords go too')
    .action((options: ProtectOptions) => protect(cli, options));
}

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import type { MintedToken } from '../contract/routes/connections.ts';
import type { Cli } from './cli.ts';
import { typedCommand } from './home.ts';

interface ConnectOptions {
  exec?: boolean;
  pgpass?: string;
  purpose?: string;
}

const quoted = (value: string) => `'${value.replaceAll("'", `'\\''`)}'`;

/** libpq's password file; `:` and `\` in a field are escaped (PostgreSQL documentation, 34.16). */
function pgpassLine(env: Record<string, string>): string {
  const field = (name: string) => (env[name] ?? '*').replaceAll(/[\\:]/g, '\\$&');
  return `${['PGHOST', 'PGPORT', 'PGDATABASE', 'PGUSER', 'PGPASSWORD'].map(field).join(':')}\n`;
}

function print(cli: Cli, name: string, minted: MintedToken, pgpass: string | undefined): void {
  const shown = Object.entries(minted.env).filter(([key]) => pgpass === undefined || key !== 'PGPASSWORD');
  for (const [key, value] of shown) cli.out(`export ${key}=${quoted(value)}`);
  if (pgpass !== undefined) cli.out(`export PGPASSFILE=${quoted(resolve(pgpass))}`);
  cli.note('');
  cli.note('These lines let one client in; they hold a token for the gateway, never the database’s password.');
  const command = (args: string) => typedCommand(cli, args);
  cli.note(`In a shell:      eval "$(${command(`connect ${name}`).replace('npm run', 'npm run --silent')})" && psql`);
  cli.note(`For one command: ${command(`connect ${name} --exec -- psql`)}`);
  cli.note(`The token ends when it is not used; end it now with: ${command(`revoke ${minted.agentSessionId}`)}`);
}

/** The token goes into the program's environment, which other users cannot read, and ends with the program. */
async function execute(cli: Cli, command: readonly string[], minted: MintedToken): Promise<void> {
  const [program, ...args] = command;
  if (program === undefined) {
    throw new CountersignError('USAGE', 'say what to run: countersign connect NAME --exec -- psql');
  }
  const child = spawn(program, args, { stdio: 'inherit', env: { ...cli.env, ...minted.env } });
  // ^C is the program's own business (psql cancels its query): the terminal sends it to both.
  const ignore = () => {};
  process.on('SIGINT', ignore);
  try {
    const code = await new Promise<number>((done, fail) => {
      child.on('error', (cause) => {
        fail(new CountersignError('EXEC_FAILED', `${program} does not start: ${cause.message}`, { cause }));
      });
      child.on('exit', (status, signal) => done(signal === null ? (status ?? 1) : 128));
    });
    cli.exitWith(code);
  } finally {
    process.off('SIGINT', ignore);
    await cli.control().call('revokeToken', { id: minted.agentSessionId });
  }
}

async function connect(cli: Cli, name: string, command: readonly string[], options: ConnectOptions): Promise<void> {
  const purpose = options.purpose ?? (options.exec ? command.slice(0, 1).join(' ') : '');
  const minted = await cli.control().call('mintToken', { id: name, purpose });
  if (options.exec) return execute(cli, command, minted);
  if (options.pgpass !== undefined) {
    try {
      writeFileSync(options.pgpass, pgpassLine(minted.env), { mode: 0o600, flag: 'wx' });
    } catch (cause) {
      throw new CountersignError('PGPASS', `${options.pgpass} is there already or cannot be written`, { cause });
    }
  }
  print(cli, name, minted, options.pgpass);
}

export function registerConnect(program: Command, cli: Cli): void {
  program
    .command('connect <name> [command...]')
    .description('let one client in: prints its environment, or runs a command with it')
    .option('--exec', 'run the command after -- with the environment, and end the token after it')
    .option('--pgpass <file>', 'write the token to a password file (0600) instead of printing it')
    .option('--purpose <text>', 'what it is for; shown to whoever approves')
    .action((name: string, command: string[], options: ConnectOptions) => connect(cli, name, command, options));
  program
    .command('revoke <agent-session>')
    .description('end a token now, and the sessions that use it')
    .action(async (id: string) => {
      await cli.control().call('revokeToken', { id });
      cli.out(`revoked: ${id}`);
    });
}

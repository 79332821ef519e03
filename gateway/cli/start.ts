import { type Command, Option } from 'commander';
import { isCountersignError } from '../contract/errors.ts';
import { DEMO_CONNECTION, demoConnection } from '../demo/connection.ts';
import { demoDataFolder, type EmbeddedPostgres, startEmbeddedPostgres } from '../demo/embedded-postgres.ts';
import { protectedLayout } from '../protect/layout.ts';
import type { Service } from '../service.ts';
import { openAppChannel } from './app-channel.ts';
import { openBrowser } from './browser.ts';
import type { Cli } from './cli.ts';
import { CONSOLE_FOLDER, ensureConsole } from './console-build.ts';
import { passphraseAtStart } from './device-home.ts';
import { prepareHome, typedCommand } from './home.ts';
import { lockHome } from './home-lock.ts';
import { version } from './version.ts';
import { wholeNumber } from './whole-number.ts';

interface StartOptions {
  port?: string;
  consolePort?: string;
  mcpPort?: string;
  expireAfter?: string;
  demo: boolean;
  open: boolean;
  notifications: boolean;
  protected?: string;
  app?: boolean;
  devicePassphraseFile?: string;
}

/** What npm or a shell sends when it wants the gateway to end. */
const ENDINGS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function whole(value: string | undefined, name: string, lowest: number, highest: number): number | undefined {
  if (value === undefined) return undefined;
  return wholeNumber(value, name, lowest, highest);
}

/** Resolves with what asked the gateway to end. A second request ends it at once: recovery at the next start seals what is open. */
function ending(note: (line: string) => void): Promise<string> {
  return new Promise((done) => {
    let asked = false;
    for (const signal of ENDINGS) {
      process.on(signal, () => {
        if (asked) process.exit(130);
        asked = true;
        note('');
        note('Stopping: open sessions end and their recordings are sealed; ^C again stops at once.');
        done(signal);
      });
    }
  });
}

/** The embedded database is a convenience: without it the gateway runs all the same, and says so. */
async function startDemo(cli: Cli, service: Service): Promise<EmbeddedPostgres | null> {
  try {
    const server = await startEmbeddedPostgres({ dataDir: demoDataFolder(service.home) });
    try {
      await service.registerDemo(demoConnection(server), server.appPassword);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  } catch (error) {
    if (!isCountersignError(error)) throw error;
    cli.note(`The demo database is not here: ${error.message}.`);
    return null;
  }
}

/** In protected mode this goes to a log that others than root may read, so there is no code in it. */
function greetProtected(cli: Cli, { postgres, control }: Service, name: string): void {
  cli.out(
    `Countersign ${version()} is running in protected mode; PostgreSQL clients: ${postgres.host}:${postgres.port}.`,
  );
  cli.out(`Console: ${control.url} (a one-time code: sudo ${name} code)`);
}

function greet(cli: Cli, service: Service, demo: boolean, consoleProblem: string | null): void {
  const { postgres, control, loginCode } = service;
  cli.out(`Countersign ${version()} is running; PostgreSQL clients connect to ${postgres.host}:${postgres.port}.`);
  cli.out('');
  if (consoleProblem === null) {
    cli.out(`  Console          ${control.url}`);
    cli.out(`  One-time code    ${loginCode}`);
  } else {
    cli.note(`  There is no console: ${consoleProblem}.`);
    cli.out(`  One-time code    ${loginCode}    (sets the first PIN)`);
  }
  cli.out(`  Let a client in  ${typedCommand(cli, `connect ${demo ? DEMO_CONNECTION : 'NAME'}`)}`);
  if (demo) cli.out(`  See it at work   ${typedCommand(cli, 'demo')}    (in another terminal)`);
  cli.out('');
  cli.out(`^C stops it${process.stdin.isTTY ? ', Enter shows a new code' : ''}.`);
}

/**
 * New codes are shown here and nowhere else: whoever has one opens the console and clicks, so a process
 * that can reach the socket must not get one.
 */
function showCodes(cli: Cli, service: Service): void {
  if (!process.stdin.isTTY) return;
  process.stdin.on('data', () => cli.out(`  One-time code    ${service.loginCode}`));
  process.stdin.unref();
}

async function start(cli: Cli, options: StartOptions): Promise<void> {
  const postgresPort = whole(options.port, '--port', 0, 65_535);
  const controlPort = whole(options.consolePort, '--console-port', 0, 65_535);
  const mcpPort = whole(options.mcpPort, '--mcp-port', 0, 65_535);
  const expireAfterSeconds = whole(options.expireAfter, '--expire-after', 1, 86_400);
  const layout = options.protected === undefined ? undefined : protectedLayout(options.protected);
  const home = layout?.home ?? cli.home();
  prepareHome(home);
  const unlock = lockHome(home);
  const app = options.app ? openAppChannel() : null;
  const stop = Promise.race([ending(cli.note), ...(app === null ? [] : [app.stop])]);
  try {
    const consoleProblem = await ensureConsole(cli.note);
    const { startService } = await import('../service.ts');
    const service = await startService({
      home,
      postgresPort,
      controlPort,
      mcpPort,
      expireAfterSeconds,
      consoleFolder: CONSOLE_FOLDER,
      protected: layout,
      notifications: options.notifications,
      // The desktop app has one of its own.
      tray: options.notifications && app === null,
      devicePassphrase: passphraseAtStart(cli, options.devicePassphraseFile),
    });
    let server: EmbeddedPostgres | null = null;
    try {
      // The app has its icon and its window meanwhile.
      app?.ready(service);
      if (options.demo) server = await startDemo(cli, service);
      if (layout) greetProtected(cli, service, layout.name);
      else if (app === null) {
        greet(cli, service, server !== null, consoleProblem);
        showCodes(cli, service);
      }
      if (options.open && app === null && consoleProblem === null) openBrowser(service.control.url, cli.env);
      await stop;
    } finally {
      await service.close('the gateway was stopped');
      await server?.stop();
    }
    cli.note('Stopped.');
  } finally {
    unlock();
  }
}

export function registerStart(program: Command, cli: Cli): void {
  program
    .command('start')
    .description('run the gateway, with a demo database behind it, until ^C')
    .option('--port <n>', 'where PostgreSQL clients connect, on 127.0.0.1 (7432; 0: any that is free)')
    .option('--console-port <n>', 'where the console is, on 127.0.0.1 (7716; 0: any that is free)')
    .option('--mcp-port <n>', 'where MCP servers are reached over HTTP, on 127.0.0.1 (7717, else any that is free)')
    .option('--expire-after <seconds>', 'deny what waits for a person at the latest after this time')
    .option('--no-demo', 'without the embedded database and its sample data')
    .option('--no-open', 'without opening the browser')
    .option('--no-notifications', 'without notifications and an icon on this desktop for what waits')
    .option('--device-passphrase-file <file>', 'the passphrase of the device’s key, where it has one (mode 0600)')
    .option('--protected <name>', 'as the service that "countersign protect" sets up; refused anywhere else')
    .addOption(new Option('--app', 'for the desktop app').hideHelp())
    .action((options: StartOptions) => start(cli, options));
}

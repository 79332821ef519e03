import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import { playAgent } from '../demo/agent.ts';
import type { Cli } from './cli.ts';
import { typedCommand } from './home.ts';
import { setPin } from './pin.ts';

interface DemoOptions {
  expireAfter?: string;
}

/** Without a person at the terminal the demo should end by itself, not after the policy's ten minutes. */
const UNATTENDED_EXPIRY = '20';

interface OwnGateway {
  consoleUrl: string | null;
  stop(): Promise<void>;
}

/** Runs a command of this same program as a person would, so that what it shows can be typed again. */
export type RunCommand = (args: readonly string[]) => Promise<number>;

function startGateway(cli: Cli, expireAfter: string | undefined): Promise<OwnGateway> {
  const program = fileURLToPath(new URL('../index.ts', import.meta.url));
  // Free ports, so that it meets no gateway of another home.
  const ports = ['--port', '0', '--console-port', '0'];
  const expiry = expireAfter === undefined ? [] : ['--expire-after', expireAfter];
  const child = spawn(process.execPath, [program, '--home', cli.home(), 'start', '--no-open', ...ports, ...expiry], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: cli.env,
    // ^C on the terminal ends the demo, which then ends the gateway.
    detached: true,
  });
  process.once('exit', () => child.kill('SIGTERM'));
  return new Promise((done, fail) => {
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const text = chunk.toString('utf8');
      if (said.includes('^C stops it')) return;
      said += text;
      for (const line of text.split('\n')) if (line !== '' && !line.includes('^C stops')) cli.out(`  | ${line}`);
      if (!said.includes('^C stops it')) return;
      done({ consoleUrl: /Console +(\S+)/.exec(said)?.[1] ?? null, stop: () => stopGateway(child) });
    });
    child.once('error', fail);
    child.once('exit', () => fail(new CountersignError('DEMO_NO_GATEWAY', 'the gateway did not start; see above')));
  });
}

function stopGateway(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGTERM');
  return ended;
}

async function isRunning(cli: Cli): Promise<boolean> {
  try {
    await cli.control().call('status', {});
    return true;
  } catch (error) {
    if (isCountersignError(error, 'CONTROL_UNREACHABLE')) return false;
    throw error;
  }
}

/** Approvals take a PIN; on a fresh machine the person sets it here. Declining is fine: requests then expire. */
async function offerPin(cli: Cli): Promise<void> {
  if ((await cli.control().call('status', {})).pinSet) return;
  cli.out('Approvals are given with a PIN, and none is set yet. Set it now, or press ^C to go on without.');
  try {
    await setPin(cli);
  } catch (error) {
    if (!isCountersignError(error)) throw error;
    cli.out(`${error.message}`);
  }
}

async function demo(cli: Cli, options: DemoOptions, run: RunCommand): Promise<void> {
  const interactive = process.stdin.isTTY === true;
  let own: OwnGateway | null = null;
  if (!(await isRunning(cli))) {
    cli.out('No gateway runs here, so the demo starts one:');
    own = await startGateway(cli, options.expireAfter ?? (interactive ? undefined : UNATTENDED_EXPIRY));
  }
  try {
    if (interactive) await offerPin(cli);
    const { connectAgent } = await import('../demo/agent-client.ts');
    const { sessionId, surprises } = await playAgent({
      cli,
      control: cli.control(),
      connect: connectAgent,
      consoleUrl: own?.consoleUrl ?? null,
      interactive,
      pid: process.pid,
    });
    if (sessionId === null) surprises.push('the session’s recording was not found');
    else {
      for (const [title, args] of [
        ['All of it was recorded and signed. Anyone can check the recording:', ['sessions', 'verify', sessionId]],
        [
          'And this is what was recorded:',
          ['sessions', 'replay', sessionId, ...(interactive ? ['--speed', '20'] : ['--no-wait'])],
        ],
      ] as const) {
        cli.out('');
        cli.out(title);
        cli.out(`  ${typedCommand(cli, args.join(' '))}`);
        if ((await run(args)) !== 0) surprises.push(`"${args.join(' ')}" failed`);
      }
    }
    cli.out('');
    for (const surprise of surprises) cli.note(`Not as it should be: ${surprise}`);
    if (surprises.length > 0) cli.exitWith(1);
    if (own !== null && interactive) {
      await cli.prompt.line(
        'The gateway still runs; look around in the console, then press Enter to stop it. ',
        cli.signal,
      );
    }
  } finally {
    await own?.stop();
  }
}

export function registerDemo(program: Command, cli: Cli, run: RunCommand): void {
  program
    .command('demo')
    .description('play an agent against the demo database; you decide what it may do')
    .option('--expire-after <seconds>', 'for a gateway that the demo starts itself')
    .action((options: DemoOptions) => demo(cli, options, run));
}

import { execFile, spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Whereabouts } from '../../gateway/contract/desktop.ts';
import { CountersignError } from '../../gateway/contract/errors.ts';
import type { GatewayProcess } from './supervisor.ts';

/** The program `countersign` as this app has it. */
export interface Program {
  /** A Node executable; never Electron's own, whose run-as-node is off. */
  node: string;
  /** gateway/index.ts of the checkout or of the package. */
  entry: string;
  env: NodeJS.ProcessEnv;
}

const run = promisify(execFile);

/** What would make Node load something else than the program, or take it for Electron. */
const NOT_INHERITED = /^(NODE_OPTIONS|NODE_CHANNEL_.*|NODE_EXTRA_CA_CERTS|NODE_V8_COVERAGE|ELECTRON_.*)$/i;

export function gatewayEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !NOT_INHERITED.test(name)));
}

/** Asks the program where its gateway is. Throws GATEWAY_PROGRAM. */
export async function findGateway({ node, entry, env }: Program): Promise<Whereabouts> {
  try {
    const { stdout } = await run(node, [entry, 'where'], {
      env: gatewayEnvironment(env),
      timeout: 30_000,
      maxBuffer: 64 * 1024,
      windowsHide: true,
    });
    return Whereabouts.parse(JSON.parse(stdout));
  } catch (cause) {
    throw new CountersignError('GATEWAY_PROGRAM', 'The gateway’s program does not run; install Countersign again.', {
      cause,
    });
  }
}

const MAX_SAID = 4000;

/**
 * Starts the gateway so that it outlives the app: a session of its own, and nothing of the app's for its
 * output, which goes into a file that only this user reads.
 * @param folder for that file; made when it is not there.
 */
export function startGateway(
  { node, entry, env }: Program,
  folder: string,
  args: readonly string[] = [],
): GatewayProcess & { pid: number | undefined } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const log = openSync(join(folder, 'gateway-start.log'), 'w+', 0o600);
  const child = spawn(node, [entry, 'start', '--app', ...args], {
    env: gatewayEnvironment(env),
    detached: true,
    windowsHide: true,
    stdio: ['ignore', 'ignore', log, 'ipc'],
    serialization: 'json',
  });
  let ended = false;
  const listeners: ((sentence: string) => void)[] = [];
  const end = (sentence: string) => {
    if (ended) return;
    ended = true;
    closeSync(log);
    for (const listener of listeners) listener(sentence);
  };
  child.on('error', (error) => end(`The gateway could not be started: ${error.message}`));
  child.on('exit', () => end(lastLine(log) ?? 'The gateway ended.'));
  return {
    pid: child.pid,
    onMessage: (listener) => void child.on('message', listener),
    onEnd: (listener) => void listeners.push(listener),
    ask(question) {
      if (child.connected) child.send(question, () => {});
    },
    release() {
      child.unref();
      if (child.connected) child.disconnect();
    },
  };
}

/** What it said last, which is why it ended. */
function lastLine(log: number): string | null {
  try {
    const { size } = fstatSync(log);
    const bytes = Buffer.alloc(Math.min(size, MAX_SAID));
    const read = readSync(log, bytes, 0, bytes.length, Math.max(0, size - MAX_SAID));
    const lines = bytes.toString('utf8', 0, read).split('\n');
    return (
      lines
        .map((line) => line.trim())
        .findLast((line) => line !== '')
        ?.slice(0, 500) ?? null
    );
  } catch {
    return null;
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import type { McpSecrets, McpTransport } from '../../../contract/mcp.ts';
import { LineSplitter } from '../codec/line-splitter.ts';
import type { Message } from '../codec/message.ts';
import { MAX_MESSAGE, type Upstream, type UpstreamSink } from '../ports.ts';

const STOP_MS = 2_000;
/** What a server that does not read may have waiting for it. */
const MAX_WAITING = 32 * 1024 * 1024;

/** What every program needs, and nothing of the gateway's own. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'TERM',
  'TZ',
  'TMPDIR',
  'TEMP',
  'TMP',
  'XDG_RUNTIME_DIR',
  'XDG_CONFIG_HOME',
  'XDG_CACHE_HOME',
  'XDG_DATA_HOME',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SYSTEMROOT',
  'SYSTEMDRIVE',
  'WINDIR',
  'APPDATA',
  'LOCALAPPDATA',
  'PROGRAMFILES',
  'PROGRAMDATA',
  'USERPROFILE',
  'HOMEDRIVE',
  'HOMEPATH',
  'PATHEXT',
  'COMSPEC',
  'PROCESSOR_ARCHITECTURE',
] as const;

/**
 * A server as a child process: messages are lines on its standard input and output. What it writes to
 * standard error is dropped, since it may hold anything. It gets the variables that programs need and those
 * of its registration, none of the gateway's.
 */
export function openStdio(
  transport: Extract<McpTransport, { type: 'stdio' }>,
  secrets: Readonly<McpSecrets>,
  where: { cwd: string; env: NodeJS.ProcessEnv },
  sink: UpstreamSink,
): Upstream {
  const splitter = new LineSplitter(MAX_MESSAGE);
  let closed = false;
  let stopping: Promise<void> | null = null;
  const kept = Object.fromEntries(PASSED_ON.flatMap((name) => (where.env[name] ? [[name, where.env[name]]] : [])));
  // A group of its own (POSIX), so that what a launcher such as npx started ends with it.
  const child = spawn(transport.command, transport.args, {
    cwd: transport.cwd ?? where.cwd,
    env: { ...kept, ...secrets },
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  });

  const over = (sentence: string) => {
    if (closed) return;
    closed = true;
    sink.closed(sentence);
  };
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.once('error', (error: NodeJS.ErrnoException) =>
    over(`the server’s program ${transport.command} does not start (${error.code ?? 'unknown error'})`),
  );
  child.once('close', (code, signal) =>
    over(signal === null ? `the server ended with exit code ${code}` : `the server was ended by ${signal}`),
  );
  child.stdin.on('error', () => {});
  child.stdout.on('error', () => {});
  void read();

  async function read(): Promise<void> {
    try {
      for await (const chunk of child.stdout) {
        const lines = splitter.push(chunk as Uint8Array);
        if (lines === null) {
          over(`the server sent a message of more than ${MAX_MESSAGE / 1024 / 1024} MB`);
          void stop();
          return;
        }
        for (const line of lines) {
          if (closed) return;
          const wait = sink.message(line, null);
          if (wait !== undefined) await wait;
        }
      }
    } catch {
      // Its end is told by `close`.
    }
  }

  function stop(): Promise<void> {
    closed = true;
    stopping ??= (async () => {
      if (child.pid === undefined) return;
      child.stdin.end();
      if (await within(exited, STOP_MS)) return;
      kill(child, 'SIGTERM');
      if (await within(exited, STOP_MS)) return;
      kill(child, 'SIGKILL');
      await within(exited, STOP_MS);
    })();
    return stopping;
  }

  return {
    send(message: Message) {
      if (closed) {
        if (message.kind === 'request') sink.failed(message.id, 'the server is not running any more');
        return;
      }
      if (child.stdin.writableLength > MAX_WAITING) {
        over('the server does not read what it is sent');
        void stop();
        return;
      }
      child.stdin.write(`${message.text}\n`);
    },
    close: stop,
  };
}

function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid!, signal);
  } catch {
    // It is gone.
  }
}

function within(promise: Promise<void>, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    promise.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

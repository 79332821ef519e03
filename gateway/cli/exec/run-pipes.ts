import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants as os } from 'node:os';
import { isatty } from 'node:tty';
import { OutputQueue } from './output.ts';
import type { PipeEnds } from './pipes.ts';
import type { Recorded } from './recorded.ts';
import type { Outcome, RunOptions } from './run.ts';

/** What others may send to a command; those of the keyboard reach it by themselves. */
const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGINT', 'SIGQUIT'] as const;
const KEYBOARD: readonly string[] = ['SIGINT', 'SIGQUIT'];
/** After the command has ended: how long its pipes may be silent while somebody else holds them open. */
const QUIET_MS = 100;
/** Input that the command does not read, above which no more is taken. */
const MAX_UNREAD = 256 * 1024;

/** Runs a command on pipes, byte for byte. Resolves when it has ended and what it wrote has been passed on. */
export async function runOnPipes(
  options: RunOptions,
  recorded: Recorded,
  pipes: Promise<PipeEnds[] | null>,
): Promise<Outcome> {
  const { argv, env, noInput, note } = options;
  const [program = '', ...args] = argv;
  const ends = await pipes;
  const input = noInput ? 'nothing' : inputKind();
  if (input === 'inherited' && isatty(0)) note('input-not-recorded');
  const ours = ends?.map(([, fd]) => fd) ?? [];
  const theirs = (fd: number) => ends?.[fd]?.[0] ?? 'pipe';
  const interactive = [0, 1, 2].some((fd) => isatty(fd));
  let child: ChildProcess | null = null;
  for (const signal of FORWARDED) {
    // Listened to before there is a command: it may send them as soon as it runs.
    process.on(signal, () => {
      if (!(interactive && KEYBOARD.includes(signal))) child?.kill(signal);
    });
  }
  try {
    child = spawn(program, args, {
      env,
      stdio: [input === 'nothing' ? 'ignore' : input === 'inherited' ? 'inherit' : theirs(0), theirs(1), theirs(2)],
    });
  } finally {
    for (const [fd] of ends ?? []) closeSync(fd);
  }
  const running: ChildProcess = child;
  if (ends !== null && input !== 'piped' && ours[0] !== undefined) closeSync(ours[0]);

  const failed = new Promise<Outcome>((resolve) => {
    running.on('error', (error: NodeJS.ErrnoException) => {
      const missing = error.code === 'ENOENT';
      resolve({ code: missing ? 127 : 126, problem: `${program} does not start: ${error.message}` });
    });
  });
  const exited = new Promise<Outcome>((resolve) => {
    running.on('exit', (code, signal) => {
      resolve({ code: signal === null ? (code ?? 1) : 128 + os.signals[signal], problem: null });
    });
  });

  if (input === 'piped') {
    const sink = ends === null ? running.stdin : new Socket({ fd: ours[0] as number, readable: false, writable: true });
    if (sink !== null) feed(sink, recorded);
  }
  const flows = ([1, 2] as const).map((fd) => {
    const source =
      ends === null
        ? fd === 1
          ? child.stdout
          : child.stderr
        : new Socket({ fd: ours[fd] as number, readable: true, writable: false });
    return new Flow(source as Socket, new OutputQueue(fd), recorded, fd === 1 ? 'output' : 'errors');
  });

  options.onKill((signal) => running.kill(signal));

  const outcome = await Promise.race([exited, failed]);
  await Promise.all(flows.map((flow) => flow.over(QUIET_MS)));
  return outcome;
}

/** Devices are the command's own (there is nothing in /dev/null to record, and a terminal is typed at). */
function inputKind(): 'piped' | 'inherited' {
  try {
    return fstatSync(0).isCharacterDevice() ? 'inherited' : 'piped';
  } catch {
    return 'inherited';
  }
}

function feed(sink: NodeJS.WritableStream & { writableLength: number; destroyed?: boolean }, recorded: Recorded): void {
  const { stdin } = process;
  let ended = false;
  const finish = () => {
    if (ended && !recorded.inputPending) sink.end();
  };
  const breathe = () => {
    if (sink.writableLength < MAX_UNREAD && !recorded.isAhead('input')) stdin.resume();
  };
  recorded.deliverTo((bytes) => {
    if (sink.destroyed !== true) sink.write(bytes);
  });
  recorded.onRoom(() => {
    breathe();
    finish();
  });
  sink.on('drain', breathe);
  // It closed its input, or has ended: the rest is not wanted.
  sink.on('error', () => stdin.destroy());
  stdin.on('data', (chunk: Buffer) => {
    recorded.input(chunk, true);
    if (sink.writableLength >= MAX_UNREAD || recorded.isAhead('input')) stdin.pause();
  });
  stdin.on('end', () => {
    ended = true;
    finish();
  });
  stdin.on('error', () => {
    ended = true;
    finish();
  });
}

/** One stream of the command: to ours, and to the recording. */
class Flow {
  readonly #source: Socket;
  readonly #queue: OutputQueue;
  readonly #closed: Promise<void>;
  #last = performance.now();
  #paused = false;

  constructor(source: Socket, queue: OutputQueue, recorded: Recorded, stream: 'output' | 'errors') {
    this.#source = source;
    this.#queue = queue;
    const breathe = () => {
      if (!this.#paused || queue.isFull || recorded.isAhead(stream)) return;
      this.#paused = false;
      source.resume();
    };
    queue.onDrain = breathe;
    recorded.onRoom(breathe);
    // Whoever read it has gone: the command is told as it would be, by its next write.
    queue.onBroken = () => source.destroy();
    this.#closed = new Promise((resolve) => source.on('close', () => resolve()));
    source.on('error', () => source.destroy());
    source.on('data', (chunk: Buffer) => {
      this.#last = performance.now();
      recorded.output(stream, chunk);
      queue.push(chunk);
      if (!queue.isFull && !recorded.isAhead(stream)) return;
      this.#paused = true;
      source.pause();
    });
  }

  /** Resolves when it has ended, or nothing has come for a while; and all that came was written. */
  async over(quietMs: number): Promise<void> {
    const silent = new Promise<void>((resolve) => {
      const look = () => {
        if (this.#source.destroyed) return resolve();
        const left = this.#paused ? quietMs : this.#last + quietMs - performance.now();
        if (left <= 0) return resolve();
        setTimeout(look, left);
      };
      this.#last = performance.now();
      look();
    });
    await Promise.race([this.#closed, silent]);
    this.#source.destroy();
    await this.#queue.flushed();
  }
}

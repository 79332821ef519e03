import { createRequire } from 'node:module';
import type { ReadStream } from 'node:tty';
import { drawsItself } from './foreground.ts';
import { OutputQueue } from './output.ts';
import type { Recorded } from './recorded.ts';
import type { Outcome, RunOptions } from './run.ts';
import { inputMode, makeRaw } from './stty.ts';
import { TerminalOutput } from './terminal-output.ts';

/**
 * The native half of the pseudo-terminal's package. Its JavaScript half closes the terminal 200 ms after the
 * program has ended, read or not, which loses output that waits for a slow reader.
 */
export interface NativePty {
  fork(
    file: string,
    args: string[],
    env: string[],
    cwd: string,
    cols: number,
    rows: number,
    uid: number,
    gid: number,
    utf8: boolean,
    helper: string,
    onExit: (code: number, signal: number) => void,
  ): { fd: number; pid: number; pty: string };
  resize(fd: number, cols: number, rows: number): void;
}

const FORWARDED = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
/** After the program has ended: how long the terminal may be silent while others hold it open. */
const QUIET_MS = 100;
const MAX_UNREAD = 256 * 1024;
/** For so long a terminal that hid its input is taken to hide what follows. */
const LOOK_MS = 100;

export function loadPty(): NativePty {
  const require = createRequire(import.meta.url);
  return require('@lydell/node-pty/requireBinary.js').requireBinary('pty.node') as NativePty;
}

function spawnHelper(): string {
  if (process.platform !== 'darwin') return 'unused';
  return createRequire(import.meta.url).resolve(`@lydell/node-pty-${process.platform}-${process.arch}/spawn-helper`);
}

/** Runs a command in a terminal of its own, with ours as its screen and keyboard. */
export async function runInPty(
  options: RunOptions,
  recorded: Recorded,
  { native, settings }: { native: NativePty; settings: Promise<string | null> },
): Promise<Outcome> {
  const { argv, env, note, resized } = options;
  const [program = '', ...args] = argv;
  const screen = process.stdout;
  const raw = makeRaw(0, settings);
  const { columns, rows } = screen;
  let exit: (outcome: Outcome) => void = () => {};
  const exited = new Promise<Outcome>((resolve) => {
    exit = resolve;
  });
  let group = 0;
  const kill = (signal: NodeJS.Signals) => {
    try {
      // The program leads its session: its group is what the keyboard would reach.
      if (group !== 0) process.kill(-group, signal);
    } catch {
      // It has ended.
    }
  };
  for (const signal of FORWARDED) process.on(signal, () => kill(signal));
  const { fd, pid } = native.fork(
    program,
    args,
    Object.entries(env).map(([name, value]) => `${name}=${value}`),
    process.cwd(),
    columns,
    rows,
    -1,
    -1,
    true,
    spawnHelper(),
    (code, signal) => exit({ code: signal > 0 ? 128 + signal : code, problem: null }),
  );
  group = pid;
  const queue = new OutputQueue(1);
  const output = new TerminalOutput(fd, queue, recorded);
  const { terminal } = output;

  screen.on('resize', () => {
    const { columns: cols, rows: lines } = screen;
    if (cols === 0 || lines === 0) return;
    native.resize(fd, cols, lines);
    resized(cols, lines);
  });
  options.onKill(kill);
  // What the program shows waits in its terminal until ours passes it on as it is.
  const restore = await raw;
  output.start();

  const keyboard = new Keyboard(terminal, { fd, pid }, recorded, note);
  const outcome = await exited;
  keyboard.stop();
  await output.over(QUIET_MS);
  terminal.destroy();
  await queue.flushed();
  return { ...outcome, restored: restore() };
}

/** What is typed: recorded where the terminal shows it or the program draws itself, else only passed on. */
class Keyboard {
  readonly #terminal: ReadStream;
  readonly #program: { fd: number; pid: number };
  readonly #recorded: Recorded;
  readonly #note: RunOptions['note'];
  #shown: boolean | null = null;
  #told: boolean | null = null;
  #typed: Buffer[] = [];
  #looking = false;
  #looked = 0;
  #stopped = false;

  constructor(
    terminal: ReadStream,
    program: { fd: number; pid: number },
    recorded: Recorded,
    note: RunOptions['note'],
  ) {
    this.#terminal = terminal;
    this.#program = program;
    this.#recorded = recorded;
    this.#note = note;
    const { stdin } = process;
    const breathe = () => {
      if (terminal.writableLength < MAX_UNREAD && !recorded.isAhead('input')) stdin.resume();
    };
    recorded.deliverTo((bytes) => {
      if (!this.#stopped) this.#writable.write(bytes);
    });
    recorded.onRoom(breathe);
    this.#writable.on('drain', breathe);
    stdin.on('data', (chunk: Buffer) => {
      this.#type(chunk);
      if (terminal.writableLength >= MAX_UNREAD || recorded.isAhead('input')) stdin.pause();
    });
    stdin.on('end', () => this.stop());
    stdin.on('error', () => this.stop());
  }

  /** A terminal's stream goes both ways, whatever its name says. */
  get #writable(): NodeJS.WritableStream {
    return this.#terminal as unknown as NodeJS.WritableStream;
  }

  #type(chunk: Buffer): void {
    if (this.#shown === false && this.#typed.length === 0 && performance.now() - this.#looked < LOOK_MS) {
      this.#pass(chunk);
      return;
    }
    this.#typed.push(chunk);
    if (!this.#looking) void this.#look();
    this.#looking = true;
  }

  /** What was typed is held until it is known whether it shows: a password goes into no recording. */
  async #look(): Promise<void> {
    this.#looking = true;
    const { fd, pid } = this.#program;
    const mode = await inputMode(fd);
    this.#shown = mode === 'shown' || (mode === 'keys' && drawsItself(pid));
    this.#looked = performance.now();
    this.#looking = false;
    for (const chunk of this.#typed.splice(0)) this.#pass(chunk);
  }

  #pass(chunk: Buffer): void {
    if (this.#stopped) return;
    const shown = this.#shown === true;
    if (this.#told !== shown && (this.#told !== null || !shown)) this.#note(shown ? 'input-shown' : 'input-hidden');
    this.#told = shown;
    this.#recorded.input(chunk, shown);
  }

  stop(): void {
    this.#stopped = true;
    process.stdin.pause();
  }
}

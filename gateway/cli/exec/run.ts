import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { isatty } from 'node:tty';
import { FRAME } from '../../protocols/terminal/frames.ts';
import type { Denied, Held, Hello, LookFor, Need, Note, Start, Stop } from '../../protocols/terminal/messages.ts';
import { clientSocketPath } from '../home.ts';
import { visibleLine } from '../terminal/visible.ts';
import { type ExecArguments, parseExec, UsageError } from './arguments.ts';
import { childEnvironment } from './environment.ts';
import { hashFiles, readFiles } from './files.ts';
import { GatewayLink, messageOf } from './link.ts';
import { makePipes, type PipeEnds } from './pipes.ts';
import { Recorded } from './recorded.ts';
import { runOnPipes } from './run-pipes.ts';
import { loadPty, type NativePty, runInPty } from './run-pty.ts';
import { terminalSettings } from './stty.ts';

export interface Outcome {
  /** As a shell tells it. */
  code: number;
  problem: string | null;
  /** Resolves when our terminal is as it was. */
  restored?: Promise<unknown>;
}

export interface RunOptions {
  argv: readonly string[];
  env: Record<string, string>;
  noInput: boolean;
  note(name: Note['name']): void;
  resized(cols: number, rows: number): void;
  /** Takes what ends the command, for the gateway's word. */
  onKill(kill: (signal: NodeJS.Signals) => void): void;
}

/** As env(1) and others tell failures of their own, denials, and programs that are not there. */
const OURS = 125;
const NOT_RUN = 126;
const NOT_FOUND = 127;
const KILL_MS = 2_000;
const DONE_MS = 5_000;
const LOOK_MS = 10_000;
function say(sentence: string): void {
  process.stderr.write(`countersign: ${visibleLine(sentence)}\n`);
}

/** `countersign exec` and `countersign shell`, from their arguments to the exit code. */
export async function runExec(args: readonly string[]): Promise<number> {
  let wanted: ExecArguments;
  try {
    wanted = parseExec(args, process.env.SHELL);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`countersign: ${error.message}\n`);
    return OURS;
  }
  const missing = notRunnable(wanted.argv[0] ?? '', process.env.PATH ?? '');
  if (missing !== null) {
    say(missing.sentence);
    return missing.code;
  }
  const inTerminal = isatty(0) && isatty(1) && !wanted.noInput;
  const opening = GatewayLink.open(clientSocketPath(wanted.home, process.env), helloOf(wanted, inTerminal));
  const prepared = prepare(inTerminal);
  const link = await opening;
  if (link === null) {
    say('the gateway is not running, so nothing is run; start it with: countersign start');
    return OURS;
  }
  try {
    return await runThrough(link, wanted, prepared);
  } finally {
    link.close();
  }
}

/** What a command needs whatever it is: made while the gateway decides. */
type Prepared = { native: NativePty; settings: Promise<string | null> } | { pipes: Promise<PipeEnds[] | null> };

function prepare(inTerminal: boolean): Prepared {
  return inTerminal ? { settings: terminalSettings(0), native: loadPty() } : { pipes: makePipes() };
}

function helloOf(wanted: ExecArguments, inTerminal: boolean): Hello {
  const screen = inTerminal ? process.stdout : null;
  const cwd = process.cwd();
  return {
    kind: wanted.kind,
    text: wanted.text,
    cwd,
    home: homedir(),
    workspace: workspaceOf(cwd),
    terminal:
      screen === null
        ? null
        : { cols: screen.columns, rows: screen.rows, type: (process.env.TERM ?? '').slice(0, 200) },
    pid: process.pid,
    environment: wanted.environment,
    connections: wanted.connections,
    approved: wanted.approved,
    parent: process.env.COUNTERSIGN_SESSION ?? null,
  };
}

async function runThrough(link: GatewayLink, wanted: ExecArguments, prepared: Prepared): Promise<number> {
  const start = await untilStart(link);
  if (typeof start === 'number') return start;
  if (start.files.length > 0) link.send(FRAME.started, await hashFiles(start.files.map(({ path }) => path)));
  const first = await link.next();
  if (first?.type !== FRAME.ack) return refusedBy(first);

  const recorded = new Recorded(link);
  let kill: (signal: NodeJS.Signals) => void = () => {};
  let cut: string | null = null;
  const end = (why: string) => {
    if (cut !== null) return;
    cut = why;
    kill('SIGHUP');
    kill('SIGTERM');
    setTimeout(() => kill('SIGKILL'), KILL_MS).unref();
  };
  let done: () => void = () => {};
  const isDone = new Promise<void>((finish) => {
    done = finish;
  });
  link.onClosed = () => {
    end('the gateway has gone, so nothing more can be recorded: the command was ended');
    done();
  };
  link.listen((frame) => {
    if (frame.type === FRAME.ack) recorded.acknowledged(frame.payload);
    else if (frame.type === FRAME.stop) end(messageOf<Stop>(frame).sentence);
    else if (frame.type === FRAME.done) {
      link.onClosed = () => {};
      done();
    }
  });
  const options: RunOptions = {
    argv: wanted.argv,
    env: {
      ...childEnvironment(process.env, start.environment, start.variables),
      COUNTERSIGN_SESSION: start.sessionId,
    },
    noInput: wanted.noInput,
    note: (name) => link.send(FRAME.note, { name } satisfies Note),
    resized: (cols, rows) => link.send(FRAME.resize, { cols, rows }),
    onKill: (given) => {
      kill = given;
      if (cut !== null) kill('SIGKILL');
    },
  };
  const outcome =
    'pipes' in prepared
      ? await runOnPipes(options, recorded, prepared.pipes)
      : await runInPty(options, recorded, prepared);
  link.send(FRAME.ended, { code: outcome.code, problem: cut ?? outcome.problem });
  const timer = setTimeout(done, DONE_MS);
  await Promise.all([isDone, outcome.restored]);
  clearTimeout(timer);
  if (cut !== null) say(cut);
  else if (outcome.problem !== null) say(outcome.problem);
  return outcome.code;
}

/** The gateway's leave, or the exit code where it gives none. */
async function untilStart(link: GatewayLink): Promise<Start | number> {
  for (;;) {
    const frame = await link.next();
    if (frame?.type === FRAME.need) {
      link.send(FRAME.files, await readFiles(messageOf<Need>(frame).paths));
    } else if (frame?.type === FRAME.held) {
      const { approvalId, reason, expiresSeconds } = messageOf<Held>(frame);
      say(`waits for a person: ${reason} (request ${approvalId}, denied after ${expiresSeconds} s)`);
    } else if (frame?.type === FRAME.look) {
      void look(link, messageOf<LookFor>(frame));
    } else if (frame?.type === FRAME.start) {
      return messageOf<Start>(frame);
    } else {
      return refusedBy(frame);
    }
  }
}

/** Nobody waits for it: the decision may come first. */
async function look(link: GatewayLink, { wishes }: LookFor): Promise<void> {
  try {
    const { lookAt } = await import('../../protocols/terminal/preview/look/look.ts');
    const { preview } = await lookAt(wishes, AbortSignal.timeout(LOOK_MS));
    link.send(FRAME.looked, preview);
  } catch {
    link.send(FRAME.looked, { kind: 'command', state: 'failed', parts: [], undo: null });
  }
}

function refusedBy(frame: Awaited<ReturnType<GatewayLink['next']>>): number {
  if (frame?.type === FRAME.denied) {
    say(`denied: ${messageOf<Denied>(frame).sentence}`);
    return NOT_RUN;
  }
  if (frame?.type === FRAME.stop) say(messageOf<Stop>(frame).sentence);
  else say('the gateway went away before the command was run, so it was not run');
  return OURS;
}

/** What a shell would say of a program that it cannot run. */
function notRunnable(program: string, path: string): { sentence: string; code: number } | null {
  const places = program.includes('/')
    ? [program]
    : path.split(delimiter).map((folder) => join(folder || '.', program));
  let found: string | null = null;
  for (const place of places) {
    if (!existsSync(place) || statSync(place).isDirectory()) continue;
    found = place;
    try {
      accessSync(place, constants.X_OK);
      return null;
    } catch {
      // The next folder may have one that runs.
    }
  }
  return found === null
    ? { sentence: `${program}: there is no such program`, code: NOT_FOUND }
    : { sentence: `${found} may not be run by this user`, code: NOT_RUN };
}

/** The nearest folder that is a Git work tree, or the working directory. */
function workspaceOf(cwd: string): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return folder;
    if (dirname(folder) === folder) return resolve(cwd);
  }
}

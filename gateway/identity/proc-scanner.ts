import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { AgentProcess, ProcessRef } from '../contract/identity.ts';
import type { PeerAddress } from './peer-process.ts';
import { findInode } from './proc-net.ts';

/** How long a caller waits, how long the main thread is held in one go, and the share of time spent scanning. */
const DEADLINE_MS = 400;
const SLICE_MS = 2;
const REST_FACTOR = 3;
const MAX_WAITING = 512;
/** A process with more descriptors than this is searched no further; its newest are looked at first. */
const MAX_DESCRIPTORS = 4096;
const MAX_PARENTS = 16;
const MAX_RECENT = 32;
const READ_BYTES = 64 * 1024;

interface Wanted {
  peer: PeerAddress;
  deadline: number;
  resolve(process: AgentProcess | null): void;
}

/**
 * Connections that arrive together share one walk over /proc. Walks are cut into short slices and
 * followed by a rest, so that ten thousand connects cost a bounded share of the CPU: those for whom no
 * time is left get null.
 */
export function createProcScanner(root = '/proc'): {
  find(peer: PeerAddress): Promise<AgentProcess | null>;
  /** A process as the operating system tells it; its name is `unknown` where it does not. */
  describe(pid: number): AgentProcess;
} {
  let waiting: Wanted[] = [];
  let running = false;
  /** Processes that had a connection lately, latest last: most clients come again. */
  const recent = new Set<number>();

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const started = performance.now();
      await scan(batch).catch(() => {});
      for (const wanted of batch) wanted.resolve(null);
      await pause((performance.now() - started) * REST_FACTOR);
    }
    running = false;
  }

  async function scan(batch: readonly Wanted[]): Promise<void> {
    const byInode = await inodes(batch);
    const deadline = Math.max(...batch.map((wanted) => wanted.deadline));
    let sliceEnds = performance.now() + SLICE_MS;
    for (const pid of candidates()) {
      if (byInode.size === 0) return;
      for (const fd of descriptors(pid)) {
        if (performance.now() > sliceEnds) {
          await new Promise((resolve) => setImmediate(resolve));
          if (performance.now() > deadline) return;
          sliceEnds = performance.now() + SLICE_MS;
        }
        const inode = socketInode(`${root}/${pid}/fd/${fd}`);
        const wanted = inode === null ? undefined : byInode.get(inode);
        if (!wanted) continue;
        byInode.delete(inode!);
        remember(pid);
        wanted.resolve(describe(pid));
        if (byInode.size === 0) return;
      }
    }
  }

  /** The kernel walks its whole table of sockets for each file, so reading ends with the last one that is wanted. */
  async function inodes(batch: readonly Wanted[]): Promise<Map<string, Wanted>> {
    const found = new Map<string, Wanted>();
    let left = [...batch];
    const look = (lines: string) => {
      left = left.filter((wanted) => {
        const inode = findInode([lines], wanted.peer);
        if (inode !== null) found.set(inode, wanted);
        return inode === null;
      });
      return left.length > 0;
    };
    for (const name of ['tcp', 'tcp6']) {
      if (left.length > 0) await readLines(`${root}/net/${name}`, look).catch(() => {});
    }
    for (const wanted of left) wanted.resolve(null);
    return found;
  }

  function* candidates(): Generator<number> {
    const first = [...recent].reverse();
    yield* first;
    // Newest first: a client that has just connected has seldom been there for long.
    const all = readdirSync(root)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
    all.sort((a, b) => b - a);
    for (const pid of all) if (pid !== process.pid && !first.includes(pid)) yield pid;
    // Tests and embedded clients connect from within.
    yield process.pid;
  }

  function descriptors(pid: number): string[] {
    try {
      return readdirSync(`${root}/${pid}/fd`).reverse().slice(0, MAX_DESCRIPTORS);
    } catch {
      return [];
    }
  }

  function remember(pid: number): void {
    recent.delete(pid);
    recent.add(pid);
    if (recent.size > MAX_RECENT) recent.delete(recent.values().next().value!);
  }

  function describe(pid: number): AgentProcess {
    const parents: ProcessRef[] = [];
    let parent = stat(pid)?.parent ?? 0;
    while (parent > 0 && parents.length < MAX_PARENTS) {
      const found = stat(parent);
      if (!found) break;
      parents.push({ pid: parent, name: nameOf(parent, found.command) });
      parent = found.parent;
    }
    return { pid, name: nameOf(pid, stat(pid)?.command ?? 'unknown'), parents };
  }

  /** Fields 2 and 4 of proc_pid_stat(5); the command may itself hold parentheses and spaces. */
  function stat(pid: number): { command: string; parent: number } | null {
    try {
      const text = readFileSync(`${root}/${pid}/stat`, 'utf8');
      const opening = text.indexOf('(');
      const close = text.lastIndexOf(')');
      const parent = Number(text.slice(close + 2).split(' ')[1]);
      return { command: text.slice(opening + 1, close), parent: Number.isInteger(parent) ? parent : 0 };
    } catch {
      return null;
    }
  }

  /** The executable's name; a process may call itself what it likes, so `comm` is only the second choice. */
  function nameOf(pid: number, command: string): string {
    try {
      return basename(readlinkSync(`${root}/${pid}/exe`).replace(/ \(deleted\)$/, '')).slice(0, 256);
    } catch {
      return command.slice(0, 256);
    }
  }

  return {
    describe,
    find(peer) {
      if (waiting.length >= MAX_WAITING) return Promise.resolve(null);
      const { promise, resolve } = Promise.withResolvers<AgentProcess | null>();
      const timer = setTimeout(() => resolve(null), DEADLINE_MS);
      timer.unref();
      const wanted: Wanted = {
        peer,
        deadline: performance.now() + DEADLINE_MS,
        resolve(found) {
          clearTimeout(timer);
          resolve(found);
        },
      };
      waiting.push(wanted);
      if (!running) {
        running = true;
        void run();
      }
      return promise;
    },
  };
}

/** Whole lines of a file of proc(5) as they come, until `more` says that it is enough. */
async function readLines(path: string, more: (lines: string) => boolean): Promise<void> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(READ_BYTES);
    for (let rest = ''; ; ) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) {
        more(rest);
        return;
      }
      const text = rest + buffer.toString('latin1', 0, bytesRead);
      const end = text.lastIndexOf('\n') + 1;
      rest = text.slice(end);
      if (!more(text.slice(0, end))) return;
    }
  } finally {
    await file.close();
  }
}

function socketInode(path: string): string | null {
  try {
    const target = readlinkSync(path);
    return target.startsWith('socket:[') ? target.slice(8, -1) : null;
  } catch {
    return null;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}

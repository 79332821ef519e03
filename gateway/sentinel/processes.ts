import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** Programs of agents, by the name of their executable or of what their interpreter runs. */
const AGENTS = /^(cursor|cursor-agent|cursor\.appimage|claude|codex|gemini|copilot|windsurf)$/i;
const MAX_PROCESSES = 32_768;
const MAX_DESCRIPTORS = 4096;
const MAX_PARENTS = 64;

interface Process {
  pid: number;
  parent: number;
  name: string;
}

/** The processes of this machine at one moment, as far as proc(5) shows them to the gateway. */
export class Processes {
  readonly #all = new Map<number, Process>();

  constructor() {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    for (const pid of pids.slice(0, MAX_PROCESSES)) {
      const found = this.#stat(Number(pid));
      if (found !== null) this.#all.set(found.pid, found);
    }
  }

  /** Whose sockets these are, by inode; those that the gateway may not look at are left out. */
  owners(inodes: ReadonlySet<string>): Map<string, number> {
    const found = new Map<string, number>();
    for (const pid of this.#all.keys()) {
      for (const fd of this.#descriptors(pid)) {
        const inode = this.#socket(pid, fd);
        if (inode !== null && inodes.has(inode)) found.set(inode, pid);
      }
      if (found.size === inodes.size) break;
    }
    return found;
  }

  /** The process and those above it, as a sentence has them; the nearest first. */
  line(pid: number): Process[] {
    const line: Process[] = [];
    for (let at = this.#all.get(pid); at !== undefined && line.length < MAX_PARENTS; at = this.#all.get(at.parent))
      line.push(at);
    return line;
  }

  /** The agent that a process belongs to: one of these processes, or one of an agent's name, is it or above it. */
  agentOf(pid: number, known: ReadonlySet<number>): Process | null {
    return this.line(pid).find((one) => known.has(one.pid) || AGENTS.test(one.name) || this.#runs(one.pid)) ?? null;
  }

  /** An agent that an interpreter runs is known by its script's name. */
  #runs(pid: number): boolean {
    try {
      const [program = '', script = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return (
        /^(node|python[\d.]*|bun|deno)$/.test(basename(program)) &&
        AGENTS.test(basename(script).replace(/\.[cm]?js$/, ''))
      );
    } catch {
      return false;
    }
  }

  /** Fields 2 and 4 of proc_pid_stat(5); the command may itself hold parentheses and spaces. */
  #stat(pid: number): Process | null {
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const close = text.lastIndexOf(')');
      const parent = Number(text.slice(close + 2).split(' ')[1]);
      return { pid, parent, name: text.slice(text.indexOf('(') + 1, close) };
    } catch {
      return null;
    }
  }

  #descriptors(pid: number): string[] {
    try {
      return readdirSync(`/proc/${pid}/fd`).slice(0, MAX_DESCRIPTORS);
    } catch {
      return [];
    }
  }

  #socket(pid: number, fd: string): string | null {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? null;
    } catch {
      return null;
    }
  }
}

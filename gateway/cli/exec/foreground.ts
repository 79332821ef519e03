import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** Programs that draw themselves, and take keys for what they do: none of them asks for a password that way. */
const DRAWING = /^(?:vim?(?:\.\w+)?|nvim|nano|pico|less|more|most|top|htop)$/;
/** What waits for them in the same group. */
const WAITING = /^(?:sh|dash|bash|zsh|ksh\w*|git|man|env)$/;
const MAX_PROCESSES = 64;

interface Process {
  pid: number;
  group: number;
  /** Of its terminal; 0: none. */
  terminal: number;
  /** The group that reads from the terminal. */
  foreground: number;
}

/** /proc/PID/stat (proc(5)); what is in brackets may hold anything, so the fields are counted from behind it. */
function look(pid: number): Process {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const [, , group, , terminal, foreground] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  return { pid, group: group ?? 0, terminal: terminal ?? 0, foreground: foreground ?? 0 };
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);

/**
 * Whether the program that reads a terminal now is one that draws itself, and nothing below it has a terminal of its
 * own, in which something else may be asked. What is not known (other systems, another user's programs) is none.
 * @param pid leads the terminal's session.
 */
export function drawsItself(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const { terminal, foreground } = look(pid);
    const left = [pid];
    let draws = false;
    for (let seen = 0; left.length > 0; seen += 1) {
      if (seen === MAX_PROCESSES) return false;
      const one = look(left.pop() ?? 0);
      left.push(...childrenOf(one.pid));
      if (one.terminal !== terminal) return false;
      if (one.group !== foreground) continue;
      const name = basename(readlinkSync(`/proc/${one.pid}/exe`));
      if (DRAWING.test(name)) draws = true;
      else if (!WAITING.test(name)) return false;
    }
    return draws;
  } catch {
    return false;
  }
}

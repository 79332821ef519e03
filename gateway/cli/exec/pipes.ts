import { spawn } from 'node:child_process';
import { constants, openSync } from 'node:fs';

/** Descriptors of one pipe. */
export type PipeEnds = [theirs: number, ours: number];

/**
 * A pipeline whose first three parts say their process and wait: each holds a pipe as its standard output.
 * Reading /proc/self/stat tells a shell's own process where $$ tells its parent's.
 */
const STAGE = '{ read -r pid rest </proc/self/stat; echo "$pid" >&3; read -r x <&4; }';
const HOLDER = `${STAGE} | ${STAGE} | ${STAGE} | read -r x <&4`;
const READY_MS = 5_000;

/**
 * Real pipes for 0, 1 and 2, as a shell makes them. What Node makes are sockets, which on Linux a program cannot
 * open again as /dev/stdout; and pipes with names wait, when they are opened again, for an end that has gone.
 * Resolves to null where that does not work; elsewhere than on Linux there is no need.
 */
export function makePipes(): Promise<PipeEnds[] | null> {
  if (process.platform !== 'linux') return Promise.resolve(null);
  return new Promise((resolve) => {
    const holder = spawn('/bin/sh', ['-c', HOLDER], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    const [, , , said, hold] = holder.stdio;
    const done = (pipes: PipeEnds[] | null) => {
      clearTimeout(timer);
      said?.destroy();
      hold?.destroy();
      resolve(pipes);
    };
    const timer = setTimeout(() => done(null), READY_MS);
    let text = '';
    said?.on('error', () => {});
    hold?.on('error', () => {});
    holder.on('error', () => done(null));
    said?.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const pids = text.split('\n').slice(0, -1);
      if (pids.length < 3) return;
      const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
      try {
        // Either end of a pipe can be opened by the other.
        const ends = pids.map((pid, i): PipeEnds => {
          const [theirs, ours] = i === 0 ? [O_RDONLY, O_WRONLY] : [O_WRONLY, O_RDONLY];
          const path = `/proc/${Number(pid)}/fd/1`;
          return [openSync(path, theirs), openSync(path, ours | O_NONBLOCK)];
        });
        done(ends);
      } catch {
        done(null);
      }
    });
  });
}

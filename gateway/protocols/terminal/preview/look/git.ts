import { spawn } from 'node:child_process';
import { LIMITS } from './limits.ts';
import type { Budget } from './paths.ts';

/**
 * Git, made to look and do nothing else. A repository can name programs in its settings, and whoever asks may have
 * written them: monitors, hooks, filters, differences and pagers are all off, nothing is fetched, no lock is taken.
 */
const SAFE = [
  '--no-optional-locks',
  '--no-pager',
  ...[
    'core.fsmonitor=false',
    'core.hooksPath=/dev/null',
    'core.untrackedCache=false',
    'core.commitGraph=true',
    'diff.external=',
    'diff.ignoreSubmodules=all',
    'protocol.allow=never',
    'protocol.file.allow=always',
    'submodule.recurse=false',
    'core.sshCommand=false',
    'gc.auto=0',
    'maintenance.auto=false',
  ].flatMap((setting) => ['-c', setting]),
];
const ENVIRONMENT = {
  GIT_TERMINAL_PROMPT: '0',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_ASKPASS: 'false',
  SSH_ASKPASS: 'false',
  GIT_PAGER: 'cat',
  GIT_NO_LAZY_FETCH: '1',
  LC_ALL: 'C',
};

/** What the program printed; null where it failed, took too long or printed too much. */
export type Git = (args: readonly string[], input?: string) => Promise<string | null>;

/** Git in a folder; null where it is in no repository, or there is no Git. */
export async function gitIn(cwd: string, budget: Budget): Promise<{ git: Git; top: string } | null> {
  const plain: Git = (args, input) => run(cwd, [...SAFE, ...args], budget, input);
  const [told, drivers] = await Promise.all([
    plain(['rev-parse', '--show-toplevel']),
    plain(['config', '--name-only', '--get-regexp', '^filter\\..*\\.(clean|smudge|process)$']),
  ]);
  const top = told?.replace(/\n$/, '') ?? '';
  if (top === '') return null;
  const off = [...new Set(linesOf(drivers))].flatMap((name) => ['-c', `${name}=`]);
  const required = off.flatMap((word) =>
    word === '-c' ? [] : ['-c', `${word.replace(/\.\w+=$/, '')}.required=false`],
  );
  return { git: (args, input) => run(cwd, [...SAFE, ...off, ...required, ...args], budget, input), top };
}

function run(cwd: string, args: readonly string[], budget: Budget, input = ''): Promise<string | null> {
  const left = budget.until - performance.now();
  if (left <= 0 || budget.signal.aborted) return Promise.resolve(null);
  return new Promise((resolve) => {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
    const env = { ...Object.fromEntries(inherited), ...ENVIRONMENT };
    const child = spawn('git', args, { cwd, env, stdio: ['pipe', 'pipe', 'ignore'], signal: budget.signal });
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => child.kill('SIGKILL'), left);
    const done = (text: string | null) => {
      clearTimeout(timer);
      resolve(text);
    };
    child.on('error', () => done(null));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > LIMITS.gitBytes) child.kill('SIGKILL');
      else chunks.push(chunk);
    });
    child.on('close', (code) => done(code === 0 ? Buffer.concat(chunks).toString('utf8') : null));
  });
}

/** Texts that Git ends with NUL. */
export const fields = (text: string | null): string[] => (text ?? '').split('\0').filter(Boolean);

export const linesOf = (text: string | null): string[] => (text ?? '').split('\n').filter(Boolean);

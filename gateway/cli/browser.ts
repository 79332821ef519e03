import { spawn } from 'node:child_process';

/** The program that opens an address in the person's browser; null where there is no screen to show it on. */
function opener(env: NodeJS.ProcessEnv): readonly string[] | null {
  if (process.platform === 'darwin') return ['open'];
  if (process.platform === 'win32') return ['cmd', '/c', 'start', ''];
  return env.DISPLAY || env.WAYLAND_DISPLAY ? ['xdg-open'] : null;
}

export function canOpenBrowser(env: NodeJS.ProcessEnv): boolean {
  return opener(env) !== null;
}

/** Never fails and never waits: the address is printed anyway. It carries no code, since arguments are seen by all. */
export function openBrowser(url: string, env: NodeJS.ProcessEnv): void {
  const command = opener(env);
  if (command === null) return;
  const [program, ...args] = command;
  const child = spawn(program as string, [...args, url], { detached: true, stdio: 'ignore' });
  child.on('error', () => {});
  child.unref();
}

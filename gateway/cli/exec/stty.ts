import { spawn } from 'node:child_process';

/** Runs stty on a terminal; null where it does not work. Neither Node nor the pseudo-terminal's package tells what it knows. */
function stty(fd: number, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn('stty', args, { stdio: [fd, 'pipe', 'ignore'] });
    let out = '';
    child.stdout?.setEncoding('latin1').on('data', (text: string) => {
      out += text;
    });
    child.on('error', () => resolve(null));
    child.on('close', (code) => resolve(code === 0 ? out : null));
  });
}

/** A terminal's settings, as stty takes them again; null where it is none. */
export const terminalSettings = async (fd: number): Promise<string | null> => (await stty(fd, ['-g']))?.trim() || null;

/** Bytes go through as they are in both directions. @param settings what it is now. @returns what undoes it. */
export async function makeRaw(fd: number, settings: Promise<string | null>): Promise<() => Promise<unknown>> {
  const before = await settings;
  if (before === null) return () => Promise.resolve();
  await stty(fd, ['raw', '-echo']);
  return () => stty(fd, [before]);
}

/**
 * What the terminal does with what is typed: it shows it, hides it (a password is asked, line by line), or gives it
 * to the program key by key, unseen. On Linux the end that the program does not have tells as well. Unknown counts
 * as hidden.
 */
export async function inputMode(fd: number): Promise<'shown' | 'hidden' | 'keys'> {
  const settings = (await stty(fd, ['-a']))?.split(/[\s;]+/) ?? [];
  if (settings.includes('echo')) return 'shown';
  return settings.includes('-icanon') ? 'keys' : 'hidden';
}

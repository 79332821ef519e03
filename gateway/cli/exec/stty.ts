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

/** Bytes go through as they are in both directions. @returns what undoes it; null where it is no terminal. */
export async function makeRaw(fd: number): Promise<(() => Promise<unknown>) | null> {
  const before = (await stty(fd, ['-g']))?.trim();
  if (before === undefined || before === '') return null;
  await stty(fd, ['raw', '-echo']);
  return () => stty(fd, [before]);
}

/**
 * Whether the terminal shows what is typed. On Linux the end that the program does not have tells as well.
 * Unknown counts as hidden.
 */
export async function echoes(fd: number): Promise<boolean> {
  const settings = await stty(fd, ['-a']);
  return settings !== null && /(?:^|[\s;])echo(?:$|[\s;])/.test(settings);
}

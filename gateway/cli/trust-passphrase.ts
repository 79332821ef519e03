import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { CountersignError } from '../contract/errors.ts';
import type { Cli } from './cli.ts';

const SHORTEST = 12;
const MAX_FILE = 4096;

/** For ceremonies without a terminal: a file of this user's that nobody else can read. The first line counts. */
function fromFile(file: string): string {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch (error) {
    throw new CountersignError('USAGE', `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    const { mode, uid, size } = fstatSync(handle);
    if (process.platform !== 'win32' && ((mode & 0o077) !== 0 || uid !== process.getuid?.())) {
      throw new CountersignError('USAGE', `${file} can be read by others: chmod 600 it, and let it be yours`);
    }
    if (size > MAX_FILE) throw new CountersignError('USAGE', `${file} is too long for a passphrase`);
    return readFileSync(handle, 'utf8').split(/\r?\n/, 1)[0] ?? '';
  } finally {
    closeSync(handle);
  }
}

/** The passphrase of a key that there is: from a terminal, or from `--passphrase-file`. */
export const askPassphrase = async (cli: Cli, what: string, file: string | undefined): Promise<string> =>
  file === undefined ? cli.prompt.secret(`Passphrase of ${what}: `, cli.signal) : fromFile(file);

/** One for a new key: typed twice, 12 characters or more. */
export async function newPassphrase(cli: Cli, what: string, file: string | undefined): Promise<string> {
  const passphrase =
    file === undefined ? await cli.prompt.secret(`New passphrase for ${what}: `, cli.signal) : fromFile(file);
  if (passphrase.length < SHORTEST) {
    throw new CountersignError('USAGE', `a passphrase has at least ${SHORTEST} characters; no key was made`);
  }
  if (file === undefined && (await cli.prompt.secret('The same again: ', cli.signal)) !== passphrase) {
    throw new CountersignError('USAGE', 'the two are not the same; no key was made');
  }
  return passphrase;
}

/** Nothing is signed before a person has read it and said so, or a script has said `--yes`. */
export async function confirm(cli: Cli, question: string, yes: boolean | undefined): Promise<void> {
  if (yes) return;
  const answer = await cli.prompt.line(`${question} (yes or no): `, cli.signal);
  if (answer.trim().toLowerCase() !== 'yes') throw new CountersignError('PROMPT_CANCELLED', 'nothing was signed');
}

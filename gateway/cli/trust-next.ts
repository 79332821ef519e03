import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import type { TrustNote } from '../evidence/format/documents.ts';
import { formatVkey, type Signer, sameVkey } from '../evidence/format/vkey.ts';
import { openKey, readKeyFile } from '../evidence/trust/private-key.ts';
import { addNote, assertNext, nextNote, openTrust, rootKeyFile } from '../evidence/trust/trust-folder.ts';
import type { Trust } from '../evidence/trust/verify-trust.ts';
import { changesInWords } from '../evidence/trust/words.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import type { Cli } from './cli.ts';
import { visibleLine } from './terminal/visible.ts';
import { askPassphrase, confirm } from './trust-passphrase.ts';
import { wholeNumber } from './whole-number.ts';

/** Options of every command that makes the next trust note. */
export interface NextOptions {
  trust: string;
  key?: string;
  passphraseFile?: string;
  yes?: boolean;
  noteDays: string;
}

export const DEFAULT_FOLDER = 'trust';

export const withNextOptions = (command: Command): Command =>
  command
    .option('--trust <folder>', 'the folder of trust init', DEFAULT_FOLDER)
    .option('--key <file>', 'the root’s private key, when it is not in that folder')
    .option('--passphrase-file <file>', 'the passphrase, for scripts (mode 0600)')
    .option('--note-days <days>', 'how long the note is good for', '365')
    .option('-y, --yes', 'sign without asking');

/** What is wrong with the notes there are, before anything is put on top of them. */
export function tellProblems(cli: Cli, trust: Trust): void {
  for (const { sentence } of trust.problems) cli.note(`! ${visibleLine(sentence)}`);
}

/**
 * Shows what the note after the last one changes, asks, signs with the root's key and writes it.
 *
 * @param beforeSigned what has to be on disk before the note is.
 */
export async function makeNext(
  cli: Cli,
  options: NextOptions,
  change: (note: TrustNote, now: string) => void | Promise<void>,
  beforeSigned?: () => void,
): Promise<void> {
  const now = new Date().toISOString();
  const trust = openTrust(p, options.trust, now);
  tellProblems(cli, trust);
  const next = nextNote(trust, wholeNumber(options.noteDays, '--note-days', 1, 3660));
  await change(next, now);
  assertNext(p, trust.note, next);
  cli.note(`Trust note ${next.n} of ${next.org}`);
  for (const words of changesInWords(trust.note, next)) cli.note(`  ${visibleLine(words)}`);
  await confirm(cli, 'Sign it with the root?', options.yes);
  const root = await openRoot(cli, options, trust);
  beforeSigned?.();
  cli.out(addNote(options.trust, next, root));
  cli.note('Devices and auditors follow it once it is in the store: countersign trust publish <folder>');
}

/** The private key of the root that signs the next note. Throws TRUST_KEY when the file has another. */
async function openRoot(cli: Cli, options: NextOptions, trust: Trust): Promise<Signer> {
  const { vkey } = trust.roots.at(-1)!;
  const file = options.key ?? rootKeyFile(options.trust, vkey);
  const pem = readKeyFile(file);
  const signer = openKey(vkey.name, pem, await askPassphrase(cli, file, options.passphraseFile));
  if (sameVkey(signer.vkey, vkey)) return signer;
  throw new CountersignError('TRUST_KEY', `${file} is not the key of the root ${formatVkey(vkey)}`);
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import { OrgName, type TrustNote } from '../evidence/format/documents.ts';
import { formatVkey } from '../evidence/format/vkey.ts';
import { createKey, type NewKey, writeKeyFile } from '../evidence/trust/private-key.ts';
import {
  addNote,
  assertNext,
  emptyNote,
  openTrust,
  publishNotes,
  readNotes,
  rootKeyFile,
  writeRoot,
} from '../evidence/trust/trust-folder.ts';
import { verifyTrust } from '../evidence/trust/verify-trust.ts';
import { stateInWords } from '../evidence/trust/words.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import type { Cli } from './cli.ts';
import { visibleLine } from './terminal/visible.ts';
import { registerEnrol } from './trust-enrol.ts';
import { registerKeys, registerReaders, registerRest } from './trust-entries.ts';
import { registerIssuer } from './trust-issuer.ts';
import { DEFAULT_FOLDER, makeNext, type NextOptions, tellProblems, withNextOptions } from './trust-next.ts';
import { newPassphrase } from './trust-passphrase.ts';
import { wholeNumber } from './whole-number.ts';

interface InitOptions {
  trust: string;
  noteDays: string;
  passphraseFile?: string;
}

async function init(cli: Cli, org: string, options: InitOptions): Promise<void> {
  if (!OrgName.safeParse(org).success) {
    throw new CountersignError('USAGE', 'an organisation is called by 1 to 63 of a-z, 0-9 and -, and begins with no -');
  }
  if (existsSync(join(options.trust, 'root.vkey'))) {
    throw new CountersignError('TRUST_EXISTS', `${options.trust} holds an organisation’s trust already`);
  }
  const days = wholeNumber(options.noteDays, '--note-days', 1, 3660);
  const passphrase = await newPassphrase(cli, `the root of ${org}`, options.passphraseFile);
  const { signer, pem } = createKey(`countersign/org/${org}`, passphrase);
  const note = emptyNote(org, signer.vkey, new Date().toISOString(), days);
  assertNext(p, null, note);
  const file = rootKeyFile(options.trust, signer.vkey);
  writeKeyFile(file, pem);
  addNote(options.trust, note, signer);
  writeRoot(options.trust, signer.vkey);
  cli.out(formatVkey(signer.vkey));
  cli.note('This is the organisation’s root. Give it to auditors and devices by a way that nobody can change it on.');
  cli.note(`Its private key is ${file}: keep that folder offline, and a copy of it elsewhere.`);
}

async function rotateRoot(cli: Cli, options: NextOptions & { newPassphraseFile?: string }): Promise<void> {
  let made: NewKey | null = null;
  const change = async (note: TrustNote) => {
    const passphrase = await newPassphrase(cli, 'the new root', options.newPassphraseFile ?? options.passphraseFile);
    made = createKey(`countersign/org/${note.org}`, passphrase);
    note.root = formatVkey(made.signer.vkey);
  };
  await makeNext(cli, options, change, () => {
    const { signer, pem } = made!;
    const file = rootKeyFile(options.trust, signer.vkey);
    writeKeyFile(file, pem);
    cli.note(`The new root's private key is ${file}`);
  });
  cli.note('Whoever has the old root verifies on with it: its last note names the new one.');
}

function show(cli: Cli, options: { trust: string }): void {
  const now = new Date().toISOString();
  const trust = openTrust(p, options.trust, now);
  for (const line of stateInWords(trust.note, now)) cli.out(visibleLine(line));
  tellProblems(cli, trust);
}

function verify(cli: Cli, folder: string, options: { root: string }): void {
  const now = new Date().toISOString();
  const trust = verifyTrust(p, options.root, readNotes(folder), now);
  if (trust.note !== null) for (const line of stateInWords(trust.note, now)) cli.out(visibleLine(line));
  tellProblems(cli, trust);
  const numbers = trust.history.map(({ note }) => note.n);
  cli.note(`${numbers.length} trust notes are signed by the root, the newest is ${numbers.at(-1) ?? 'none'}`);
  if (trust.problems.length > 0) cli.exitWith(1);
}

function publish(cli: Cli, target: string, options: { trust: string }): void {
  const trust = openTrust(p, options.trust, new Date().toISOString());
  tellProblems(cli, trust);
  const created = publishNotes(p, options.trust, trust, target);
  cli.out(`${created} new notes in ${join(target, trust.note.org, 'trust')}`);
}

/** `countersign trust …`: the organisation's keys. Nothing here asks the gateway: it runs on an offline machine too. */
export function registerTrust(program: Command, cli: Cli): void {
  const trust = program.command('trust').description('the organisation’s root, and whom it trusts');
  trust
    .command('init <org>')
    .description('make the organisation’s root and its first trust note, on an offline machine')
    .option('--trust <folder>', 'where', DEFAULT_FOLDER)
    .option('--note-days <days>', 'how long the note is good for', '365')
    .option('--passphrase-file <file>', 'the passphrase, for scripts (mode 0600)')
    .action((org: string, options: InitOptions) => init(cli, org, options));
  trust
    .command('show')
    .description('whom the newest note trusts')
    .option('--trust <folder>', 'the folder of trust init', DEFAULT_FOLDER)
    .action((options: { trust: string }) => show(cli, options));
  trust
    .command('verify <folder>')
    .description('judge trust notes (a trust folder, or <org>/trust of a store) from the root’s key alone')
    .requiredOption('--root <vkey>', 'the root, from whoever made it; never from the store')
    .action((folder: string, options: { root: string }) => verify(cli, folder, options));
  trust
    .command('publish <folder>')
    .description('copy the notes to a folder of the store’s layout; nothing there is written over')
    .option('--trust <folder>', 'the folder of trust init', DEFAULT_FOLDER)
    .action((target: string, options: { trust: string }) => publish(cli, target, options));
  withNextOptions(trust.command('renew').description('the same again, good for longer')).action(
    (options: NextOptions) => makeNext(cli, options, () => undefined),
  );
  withNextOptions(trust.command('rotate-root').description('make a new root, which the old one names'))
    .option('--new-passphrase-file <file>', 'the new root’s passphrase, for scripts (mode 0600)')
    .action((options: NextOptions & { newPassphraseFile?: string }) => rotateRoot(cli, options));
  registerKeys(trust, cli, registerEnrol(trust, cli));
  registerIssuer(trust, cli);
  registerReaders(trust, cli);
  registerRest(trust, cli);
}

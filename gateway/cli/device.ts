import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { DeviceEnrolled } from '../contract/device.ts';
import { CountersignError } from '../contract/errors.ts';
import { parseVkey } from '../evidence/format/vkey.ts';
import { createOnly, readNotes } from '../evidence/trust/trust-folder.ts';
import { toBase64, toHex } from '../recording/format/bytes.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { type Cli, table } from './cli.ts';
import { deviceFileOf, type KeyOptions } from './device-home.ts';
import { type LogOptions, printLog } from './device-log.ts';
import { onDevice } from './device-running.ts';
import { visibleLine } from './terminal/visible.ts';
import { readText, vkeyArgument } from './trust-arguments.ts';

interface EnrolOptions extends KeyOptions {
  root?: string;
  request?: string;
  trust?: string;
  accept?: string;
  nonce?: boolean;
  idToken?: string;
}

const STORES = {
  keyring: 'in the desktop’s keyring',
  file: 'in a file of the gateway’s user',
  passphrase: 'in a file, encrypted with a passphrase',
} as const;

async function enrol(cli: Cli, options: EnrolOptions): Promise<void> {
  const { root, trust, accept, nonce, idToken } = options;
  if (root === undefined && trust === undefined && accept === undefined && !nonce && idToken === undefined) {
    throw new CountersignError(
      'USAGE',
      'first say whose device this is to be: --root with the key that the organisation gave you; then --accept what it answered',
    );
  }
  await onDevice(cli, options, async (device) => {
    const key = { keyring: options.keyring !== false };
    // What trust notes and answers are called depends on whose device this is.
    const first = await device.enrol({ ...key, ...(root === undefined ? {} : { root: vkeyArgument(root) }) });
    const done = await device.enrol({
      ...key,
      ...(trust === undefined ? {} : { trust: notesIn(trust, first).map(toBase64) }),
      ...(accept === undefined ? {} : { accept: toBase64(answerIn(accept, first)) }),
      ...(idToken === undefined ? {} : { idToken: readText(idToken) }),
      nonce: nonce === true,
    });
    if (done.nonce !== null) cli.out(done.nonce);
    if (done.org !== null && done.asked === null) cli.note(`This device belongs to ${done.org}.`);
    else if (first.request !== null && !nonce) {
      writeRequest(cli, done.device, Buffer.from(first.request, 'base64'), options.request);
    }
  });
}

function writeRequest(cli: Cli, device: string, request: Buffer, to: string | undefined): void {
  if (to === '-') cli.out(request.toString().trimEnd());
  else {
    const file = to ?? `${device}.request`;
    createOnly(file, request);
    cli.out(file);
  }
  cli.note('The organisation answers it with: countersign trust enrol, and gives you back what that wrote, with its');
  cli.note('trust notes. Then: countersign device enrol --trust FOLDER --accept FILE-OR-FOLDER');
}

/** Of a trust folder, a copy of a store, or the notes themselves. */
function notesIn(folder: string, { org, asked }: DeviceEnrolled): Uint8Array[] {
  const notes = [join(folder, org ?? asked ?? '', 'trust'), folder].map(readNotes).find((found) => found.length > 0);
  if (notes !== undefined) return notes;
  throw new CountersignError('USAGE', `there are no trust notes in ${folder}`);
}

/** @param path the enrolment, or a folder with it under the name that it has in the store. */
function answerIn(path: string, { org, asked, device, vkey }: DeviceEnrolled): Uint8Array {
  const name = `${toHex(parseVkey(p.sha256, vkey).hash)}.note`;
  const inStore = join(path, org ?? asked ?? '', device, 'identity', name);
  const file = existsSync(path) && statSync(path).isDirectory() ? inStore : path;
  if (existsSync(file) && statSync(file).size <= 64 * 1024) return readFileSync(file);
  throw new CountersignError('USAGE', `${file} is not there, or is no enrolment`);
}

function status(cli: Cli): void {
  const file = deviceFileOf(cli);
  const key = file.keys.at(-1)!;
  const whose =
    file.org !== null
      ? `belongs to ${file.org}`
      : file.asked === null
        ? 'belongs to no organisation: its log stays on this machine'
        : `has asked ${file.asked.org}, and has no answer yet`;
  const since = `since ${key.from.slice(0, 10)}${file.keys.length > 1 ? `, after ${file.keys.length - 1} before it` : ''}`;
  const rows = [
    ['Device', `${file.device} (${file.name}, account ${file.account})`],
    ['Organisation', whose],
    ['Key', `${key.vkey}`],
    ['', `${STORES[key.store]}, ${since}`],
    ...file.witnesses.map(({ vkey, url }) => ['Witness', `${vkey.split('+')[0]} at ${url}`]),
  ];
  for (const line of table(rows)) cli.out(visibleLine(line));
}

async function rotateKey(cli: Cli, options: KeyOptions): Promise<void> {
  await onDevice(cli, options, async (device) => {
    const { vkey, org } = await device.rotateKey({ keyring: options.keyring !== false });
    cli.out(vkey);
    if (org !== null) cli.note('The enrolment goes over to it: no authority has to sign anew.');
  });
}

async function addWitness(cli: Cli, key: string, options: KeyOptions & { url: string; ca?: string }) {
  const vkey = vkeyArgument(key).trim();
  const ca = options.ca === undefined ? null : readText(options.ca);
  await onDevice(cli, options, (device) => device.putWitness({ vkey, url: options.url, ca }));
  cli.note('The gateway asks it for each checkpoint that it publishes.');
}

async function removeWitness(cli: Cli, name: string, options: KeyOptions): Promise<void> {
  await onDevice(cli, options, (device) => device.removeWitness(name));
}

const noKeyring = () => new Option('--no-keyring', 'keep a new key under a passphrase, even where there is a keyring');
const passphraseFile = () =>
  new Option('--passphrase-file <file>', 'the passphrase of the device’s key, for scripts (mode 0600)');

export function registerDevice(program: Command, cli: Cli): void {
  const device = program.command('device').description('this machine as the source of evidence: its key and its log');
  device
    .command('enrol')
    .description('join an organisation (a gateway that runs takes your PIN)')
    .option('--root <vkey>', 'the organisation’s root key, or a file with it; from whoever made it, never from a store')
    .option('--request <file>', 'where the request is written that an authority answers (- for standard output)')
    .option('--trust <folder>', 'take up the organisation’s trust notes: a folder of them, or a mounted store')
    .option('--accept <file>', 'take up what the authority answered; or a folder that has it as the store does')
    .option('--nonce', 'print what an ID token has to have as its nonce to bind this device')
    .option('--id-token <file>', 'join by rule, with such an ID token')
    .addOption(noKeyring())
    .addOption(passphraseFile())
    .action((options: EnrolOptions) => enrol(cli, options));
  device
    .command('status')
    .description('whose device this is, and where its key lies')
    .action(() => status(cli));
  device
    .command('log')
    .description('what the device’s log says')
    .option('--from <n>', 'from this entry on')
    .option('--last <n>', 'the newest entries', '50')
    .option('--json', 'as they are signed for, one JSON object a line')
    .action((options: LogOptions) => printLog(cli, options));
  device
    .command('rotate-key')
    .description('make another key; the old one signs that it is its successor')
    .addOption(noKeyring())
    .addOption(passphraseFile())
    .action((options: KeyOptions) => rotateKey(cli, options));
  const witness = device.command('witness').description('who cosigns the checkpoints of this device’s log');
  witness
    .command('add <vkey>')
    .description('ask this witness (its key, or a file with it)')
    .requiredOption('--url <url>', 'its address')
    .option('--ca <file>', 'PEM of who signed its certificate, where the system does not know that')
    .addOption(passphraseFile())
    .action((key: string, options: KeyOptions & { url: string; ca?: string }) => addWitness(cli, key, options));
  witness
    .command('remove <name>')
    .description('ask it no longer')
    .addOption(passphraseFile())
    .action((name: string, options: KeyOptions) => removeWitness(cli, name, options));
}

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import type { TrustNote } from '../evidence/format/documents.ts';
import { formatVkey, parseVkey, type Signer, sameVkey, type Vkey } from '../evidence/format/vkey.ts';
import { enrol, type RequestFile, type Sorted, sortRequests, withoutSecondKeys } from '../evidence/trust/enrol.ts';
import { createKey, openKey, readKeyFile, writeKeyFile } from '../evidence/trust/private-key.ts';
import { createOnly, openTrust } from '../evidence/trust/trust-folder.ts';
import { validAt } from '../evidence/trust/validity.ts';
import type { Trust } from '../evidence/trust/verify-trust.ts';
import { FormatError } from '../recording/format/primitives.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { type Cli, table } from './cli.ts';
import { visibleLine } from './terminal/visible.ts';
import { readText, validFor } from './trust-arguments.ts';
import { DEFAULT_FOLDER, tellProblems } from './trust-next.ts';
import { askPassphrase, confirm, newPassphrase } from './trust-passphrase.ts';

const MAX_REQUESTS = 10_000;
const MAX_REQUEST_BYTES = 64 * 1024;
const SHOWN = 20;

const publicFile = (file: string): string => `${file}.pub`;

async function createAuthority(
  cli: Cli,
  name: string,
  options: { to?: string; passphraseFile?: string },
): Promise<void> {
  const file = options.to ?? `${name}.key`;
  if (existsSync(file))
    throw new CountersignError('KEY_EXISTS', `${file} is there already, and a key is never written over`);
  const passphrase = await newPassphrase(cli, file, options.passphraseFile);
  const { signer, pem } = createKey(`countersign/authority/${name}`, passphrase);
  const vkey = formatVkey(signer.vkey);
  writeKeyFile(file, pem);
  createOnly(publicFile(file), Buffer.from(`${vkey}\n`));
  cli.out(vkey);
  cli.note(`The root lets it enrol devices with: countersign trust authority add ${publicFile(file)}`);
}

/** Every file given, and those in the folders given, in order. */
function requestFiles(paths: readonly string[]): RequestFile[] {
  const files = paths.flatMap((path) => {
    if (!existsSync(path)) throw new CountersignError('USAGE', `${path} is not there`);
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path, { withFileTypes: true }).filter(
      (entry) => entry.isFile() && !entry.name.startsWith('.'),
    );
    return names.map(({ name }) => join(path, name)).sort();
  });
  if (files.length > MAX_REQUESTS) {
    throw new CountersignError('USAGE', `these are ${files.length} files; enrol at most ${MAX_REQUESTS} at once`);
  }
  return files.map((file) => {
    // A request is a few hundred bytes: of anything longer, enough to be refused is read.
    const bytes = statSync(file).size > MAX_REQUEST_BYTES ? new Uint8Array(0) : readFileSync(file);
    return { file, bytes };
  });
}

/** Whose key the file holds: the authority that its `.pub` names, or the root. Throws TRUST_KEY when it may not enrol. */
function enrollerOf(trust: Trust & { note: TrustNote }, file: string): Vkey {
  if (!existsSync(publicFile(file))) return trust.roots.at(-1)!.vkey;
  const text = readText(publicFile(file)).trim();
  const entry = trust.note.authorities.find(({ vkey }) => vkey === text);
  if (entry === undefined) {
    throw new CountersignError(
      'TRUST_KEY',
      `no trust note here lets ${visibleLine(text)} enrol devices; get the newest notes`,
    );
  }
  const check = validAt(entry, null, trust.now);
  if (!check.ok) throw new CountersignError('TRUST_KEY', `this authority may not enrol devices: ${check.why}`);
  return parseVkey(p.sha256, text);
}

function tellRequests(cli: Cli, { good, refused }: Sorted): void {
  const rows = good
    .slice(0, SHOWN)
    .map(({ request }) => [
      request.device,
      visibleLine(request.name),
      visibleLine(request.account),
      request.protection,
    ]);
  for (const line of table(rows)) cli.note(`  ${line}`);
  if (good.length > SHOWN) cli.note(`  and ${good.length - SHOWN} more`);
  for (const { file, why } of refused) cli.note(`  refused: ${visibleLine(file)}: ${visibleLine(why)}`);
  const open = good.filter(({ request }) => request.protection === 'unprotected').length;
  cli.note(`${good.length} to enrol, ${refused.length} refused`);
  if (open > 0) cli.note(`${open} of them unprotected: programs of the same user can take their key`);
}

interface EnrolOptions {
  key: string;
  trust: string;
  to: string;
  days: string;
  by: string;
  passphraseFile?: string;
  yes?: boolean;
}

async function enrolAll(cli: Cli, paths: readonly string[], options: EnrolOptions): Promise<void> {
  const now = new Date().toISOString();
  const trust = openTrust(p, options.trust, now);
  tellProblems(cli, trust);
  const vkey = enrollerOf(trust, options.key);
  const requests = sortRequests(p, trust.note, requestFiles(paths));
  const sorted = await withoutSecondKeys(p, trust, options.to, requests);
  tellRequests(cli, sorted);
  if (sorted.refused.length > 0) cli.exitWith(1);
  if (sorted.good.length === 0) return;
  const { from, until } = validFor(now, options.days);
  const terms = { from, until, by: options.by };
  await confirm(cli, `Enrol ${sorted.good.length} devices until ${terms.until.slice(0, 10)}?`, options.yes);
  const pem = readKeyFile(options.key);
  const signer = openKey(vkey.name, pem, await askPassphrase(cli, options.key, options.passphraseFile));
  if (!sameVkey(signer.vkey, vkey)) {
    throw new CountersignError('TRUST_KEY', `${options.key} is not the key ${formatVkey(vkey)}`);
  }
  const { enrolled, there, failed } = signAll(cli, sorted, signer, options.to, terms);
  cli.out(`${enrolled} enrolled, ${there} were already, ${sorted.refused.length + failed} refused`);
  if (failed > 0) cli.exitWith(1);
}

function signAll(cli: Cli, { good }: Sorted, signer: Signer, to: string, terms: Parameters<typeof enrol>[4]) {
  const counts = { enrolled: 0, there: 0, failed: 0 };
  for (const [index, one] of good.entries()) {
    try {
      if (enrol(p, to, one, signer, terms) === 'created') counts.enrolled += 1;
      else counts.there += 1;
    } catch (error) {
      if (!(error instanceof CountersignError) && !(error instanceof FormatError)) throw error;
      counts.failed += 1;
      cli.note(`  refused: ${visibleLine(one.file)}: ${visibleLine(error.message)}`);
    }
    if ((index + 1) % 100 === 0) cli.note(`${index + 1} of ${good.length}`);
  }
  return counts;
}

/** @returns the command `authority`, to which adding and revoking belong too. */
export function registerEnrol(trust: Command, cli: Cli): Command {
  const authority = trust.command('authority').description('who may enrol devices in the root’s name');
  authority
    .command('create <name>')
    .description('make an authority’s key, where laptops are enrolled')
    .option('--to <file>', 'where (default: <name>.key; the public key beside it as .pub)')
    .option('--passphrase-file <file>', 'the passphrase, for scripts (mode 0600)')
    .action((name: string, options: { to?: string; passphraseFile?: string }) => createAuthority(cli, name, options));
  trust
    .command('enrol <requests...>')
    .description('sign the requests that devices wrote (files, or folders of them)')
    .requiredOption('--key <file>', 'the authority’s private key (or the root’s)')
    .option('--trust <folder>', 'the folder of trust init, or a copy of its root.vkey and notes', DEFAULT_FOLDER)
    .option('--to <folder>', 'where the enrolments are written, as the store has them', 'enrolments')
    .option('--days <days>', 'how long they count', '1095')
    .option('--by <who>', 'who enrols, for people', 'an administrator')
    .option('--passphrase-file <file>', 'the passphrase, for scripts (mode 0600)')
    .option('-y, --yes', 'sign without asking')
    .action((paths: string[], options: EnrolOptions) => enrolAll(cli, paths, options));
  return authority;
}

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { Connection } from '../contract/connection.ts';
import { EmergencySettings } from '../contract/emergency.ts';
import { CountersignError } from '../contract/errors.ts';
import { RoleGroups } from '../contract/roles.ts';
import { type Administration, AdminLock } from '../evidence/format/documents.ts';
import { parseDocument, signDocument } from '../evidence/format/signed-document.ts';
import { formatVkey } from '../evidence/format/vkey.ts';
import { createKey, openKey, readKeyFile, writeKeyFile } from '../evidence/trust/private-key.ts';
import { addDays, createOnly } from '../evidence/trust/trust-folder.ts';
import type { Cli } from './cli.ts';
import { visibleLine } from './terminal/visible.ts';
import { readJson, readText } from './trust-arguments.ts';
import { askPassphrase, newPassphrase } from './trust-passphrase.ts';
import { wholeNumber } from './whole-number.ts';

interface SignOptions {
  org: string;
  number: string;
  key: string;
  name: string;
  out: string;
  days: string;
  policy?: string;
  connections?: string;
  roles?: string;
  emergency?: string;
  lock?: string[];
  passphraseFile?: string;
}

const usage = (sentence: string) => new CountersignError('USAGE', sentence);

async function keygen(cli: Cli, name: string, options: { to?: string; passphraseFile?: string }): Promise<void> {
  const file = options.to ?? `${name}.key`;
  if (existsSync(file))
    throw new CountersignError('KEY_EXISTS', `${file} is there already, and a key is never written over`);
  const { signer, pem } = createKey(
    `countersign/admin/${name}`,
    await newPassphrase(cli, file, options.passphraseFile),
  );
  writeKeyFile(file, pem);
  createOnly(`${file}.pub`, Buffer.from(`${formatVkey(signer.vkey)}\n`));
  cli.out(formatVkey(signer.vkey));
  cli.note(`The root lets it sign settings with: countersign trust admin add ${file}.pub`);
}

/** The connections of a gateway's own file, or a list of them; without secrets in either. */
function connectionsOf(file: string | undefined): Connection[] {
  if (file === undefined) return [];
  const json = readJson(file) as unknown;
  const list = Array.isArray(json) ? json : (json as { connections?: unknown }).connections;
  if (!Array.isArray(list)) throw usage(`${file} has no list of connections`);
  return list.map((one) => {
    const parsed = Connection.safeParse(one);
    const issue = parsed.error?.issues[0];
    if (issue !== undefined) throw usage(`${file}: ${issue.path.join('.')}: ${issue.message}`);
    return parsed.data!;
  });
}

function emergencyOf(value: string | undefined): EmergencySettings | null {
  if (value === undefined) return null;
  if (value === 'forbid') return EmergencySettings.parse({ allowed: false });
  return EmergencySettings.parse({ allowed: true, minutes: wholeNumber(value, '--emergency', 1, 30) });
}

async function sign(cli: Cli, options: SignOptions): Promise<void> {
  const now = new Date().toISOString();
  const locked = (options.lock ?? []).map((one) => {
    const lock = AdminLock.safeParse(one);
    if (!lock.success) throw usage(`--lock takes ${AdminLock.options.join(', ')}, and this is ${one}`);
    return lock.data;
  });
  const roles = options.roles === undefined ? null : RoleGroups.parse(readJson(options.roles));
  const value: Administration = {
    v: 1,
    org: options.org,
    n: wholeNumber(options.number, '--number', 1, 999_999),
    issuedAt: now,
    validUntil: addDays(now, wholeNumber(options.days, '--days', 1, 3660)),
    policy: options.policy === undefined ? null : readText(options.policy),
    connections: connectionsOf(options.connections),
    roles,
    emergency: emergencyOf(options.emergency),
    locked,
  };
  const passphrase = await askPassphrase(cli, options.key, options.passphraseFile);
  const signer = openKey(`countersign/admin/${options.name}`, readKeyFile(options.key), passphrase);
  createOnly(options.out, signDocument('administration', value, [signer]));
  cli.out(visibleLine(`set ${value.n} of ${value.org} is ${options.out}, until ${value.validUntil}`));
}

function publish(cli: Cli, file: string, store: string): void {
  const bytes = readFileSync(file);
  const { n, org } = parseDocument('administration', bytes).value;
  const to = join(store, org, 'administration', `${String(n).padStart(6, '0')}.note`);
  createOnly(to, bytes);
  cli.out(to);
}

/** `countersign admin`: settings that are signed once, and that all gateways of the organisation take up. */
export function registerAdmin(program: Command, cli: Cli): void {
  const admin = program
    .command('admin')
    .description('the organisation’s signed settings: policy, connections, roles (docs/administration.md)');
  admin
    .command('keygen <name>')
    .description('make a key that signs them; its private half stays with who administers')
    .option('--to <file>', 'where (NAME.key)')
    .option('--passphrase-file <file>', 'the passphrase, for scripts (mode 0600)')
    .action((name: string, options: { to?: string; passphraseFile?: string }) => keygen(cli, name, options));
  admin
    .command('sign')
    .description('make the next set; what is not named stays each gateway’s own')
    .requiredOption('--org <org>', 'as the trust notes name it')
    .requiredOption('--number <n>', 'one more than the last set’s')
    .requiredOption('--key <file>', 'the private key')
    .requiredOption('--name <name>', 'of the key, as given to admin keygen')
    .requiredOption('--out <file>', 'where the set is written')
    .option('--days <days>', 'how long it is good for', '90')
    .option('--policy <file>', 'Cedar, as countersign policy show --text prints it')
    .option('--connections <file>', 'JSON of connections, without passwords')
    .option('--roles <file>', 'JSON of groups by role')
    .option('--emergency <minutes|forbid>', 'emergency access: for how long at most, or none')
    .option('--lock <what...>', `what devices may not change: ${AdminLock.options.join(', ')}`)
    .option('--passphrase-file <file>', 'the passphrase, for scripts (mode 0600)')
    .action((options: SignOptions) => sign(cli, options));
  admin
    .command('publish <set> <folder>')
    .description('copy a set to a folder of the store’s layout; nothing there is written over')
    .action((file: string, folder: string) => publish(cli, file, folder));
  admin
    .command('status')
    .description('which set this gateway has taken up; looks for a newer one')
    .action(async () => {
      const { set, problem } = await cli.control().call('refreshAdministration', {});
      if (set === null) cli.out('No set of the organisation is in force.');
      else {
        cli.out(visibleLine(`set ${set.n}, signed by ${set.by} on ${set.issuedAt}, good until ${set.validUntil}`));
        cli.out(visibleLine(`locked: ${set.locked.join(', ') || 'nothing'}`));
      }
      if (problem !== null) cli.note(visibleLine(`! ${problem}`));
    });
}

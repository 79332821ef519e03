import { chmodSync, readFileSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { replaceSettings } from '../agents/install/files.ts';
import type { Connection } from '../contract/connection.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Adopted, CredentialFile, FoundCredential } from '../vault/adopt/credential.ts';
import { connectionFor, findCredentials } from '../vault/adopt/find.ts';
import { findStored } from '../vault/adopt/find-stored.ts';
import { type FileAsItWas, openWayBack, sealWayBack } from '../vault/adopt/way-back.ts';
import type { Cli } from './cli.ts';
import { typedCommand } from './home.ts';
import { askPin } from './pin.ts';
import { askPassphrase, newPassphrase } from './trust-passphrase.ts';
import { chosenOf, confirmKinds, listStored, moveStored, parseKinds } from './vault-stored.ts';
import { oneLine } from './visible-text.ts';

interface AdoptOptions {
  project?: string;
  also?: string;
  dryRun?: boolean;
}

const placeOf = ({ file, line }: FoundCredential) => `${file}, line ${line}`;
const targetOf = ({ user, host, port, database }: FoundCredential) => `${user}@${host}:${port}/${database}`;

/**
 * Moves passwords that an agent could read into the vault; what the files were is sealed with a passphrase first.
 * Those of PostgreSQL become connections, each once it was tried; others are kept where `--also` names them and a
 * person says so. Takes the PIN.
 */
async function adopt(cli: Cli, options: AdoptOptions): Promise<void> {
  const home = cli.env.HOME ?? homedir();
  const where = { home, project: resolve(options.project ?? '.'), env: cli.env };
  const also = parseKinds(options.also);
  const found = findCredentials(where);
  for (const { file, credentials, left } of found) {
    for (const one of credentials) cli.out(`${oneLine(placeOf(one), 200)}: ${oneLine(targetOf(one), 200)}`);
    for (const { line, why } of left) cli.note(`${oneLine(file, 200)}, line ${line} stays as it is: ${why}`);
  }
  const files = found.filter(({ credentials }) => credentials.length > 0);
  const stored = findStored(where);
  listStored(cli, stored, also);
  if (files.length === 0 && stored.length === 0) {
    cli.note('No credentials were found in the usual files of this person and this project.');
  }
  if (options.dryRun) return;
  const chosen = chosenOf(stored, await confirmKinds(cli, stored, also));
  if (files.length === 0 && chosen.length === 0) return;
  const passphrase = await newPassphrase(cli, 'the way back', undefined);
  const pin = await askPin(cli, 'Your PIN, to put these into the vault: ');
  const wayBack = join(home, `.countersign-adopted-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.age`);
  const before = [...files, ...chosen].map(({ file }): [string, FileAsItWas] => [
    file,
    { bytes: readFileSync(file), mode: statSync(file).mode & 0o777 },
  ]);
  replaceSettings(wayBack, Buffer.from(await sealWayBack(new Map(before), passphrase)), 0o600);
  cli.note(`The files as they were are sealed in ${wayBack}`);
  cli.note(`They come back with: ${typedCommand(cli, `vault restore ${wayBack}`)}`);
  const rotate: string[] = [];
  try {
    for (const file of files) rotate.push(...(await adoptFile(cli, file, pin)));
    for (const file of chosen) rotate.push(...(await moveStored(cli, file, pin)));
  } finally {
    if (rotate.length > 0) {
      cli.out('An agent may have read these. Give each of them a new one, and tell the gateway of it:');
      for (const one of rotate) cli.out(`  ${oneLine(one, 300)}`);
    }
  }
  if (rotate.length > 0) return;
  rmSync(wayBack, { force: true });
  cli.note('No file was changed, so there is no way back to keep.');
  cli.exitWith(1);
}

/** @returns what has to be rotated. */
async function adoptFile(cli: Cli, file: CredentialFile, pin: string): Promise<string[]> {
  const adopted = new Map<FoundCredential, Adopted>();
  for (const one of file.credentials) {
    const connection = await register(cli, one, pin);
    if (connection === null) continue;
    const { postgres } = await cli.control().call('status', {});
    adopted.set(one, { id: connection.id, database: one.database, ...postgres });
  }
  if (adopted.size === 0) return [];
  if (readFileSync(file.file, 'utf8') !== file.text) {
    cli.note(`${oneLine(file.file, 200)} was changed meanwhile and stays as it is; run this again.`);
    cli.exitWith(1);
    return [];
  }
  replaceSettings(file.file, file.without(adopted), 0o600);
  cli.out(`Changed ${oneLine(file.file, 200)}`);
  return [...adopted].map(([one, { id }]) => `${targetOf(one)} (connection ${id})`);
}

/** Registers it and tries it; one that does not work is taken away again and stays where it was. */
async function register(cli: Cli, found: FoundCredential, pin: string): Promise<Connection | null> {
  const control = cli.control();
  const { items } = await control.call('connections', {});
  const connection = connectionFor(found, new Set(items.map(({ id }) => id)));
  const stays = (why: string) => {
    cli.note(`${oneLine(placeOf(found), 200)} stays as it is: ${oneLine(why, 300)}`);
    return null;
  };
  if (connection === null) return stays('it is no connection that can be registered');
  await control.call('putConnection', { id: connection.id, connection, secret: found.password, pin });
  const { ok, sentence } = await control.call('testConnection', { id: connection.id });
  if (ok) return connection;
  await control.call('deleteConnection', { id: connection.id, pin });
  return stays(sentence);
}

/** Puts files back as they were. Connections and what is in the vault stay. */
async function restore(cli: Cli, file: string): Promise<void> {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new CountersignError('USAGE', `${file} cannot be read`, { cause });
  }
  const files = await openWayBack(bytes, await askPassphrase(cli, 'the way back', undefined));
  for (const [path, { bytes: content, mode }] of files) {
    replaceSettings(path, content, mode);
    // libpq takes no password file that others can read.
    if (/pgpass/.test(path)) chmodSync(path, 0o600);
    cli.out(`${oneLine(path, 200)} is as it was`);
  }
  cli.note('An agent can read these passwords again.');
}

async function list(cli: Cli): Promise<void> {
  const { items } = await cli.control().call('storedCredentials', {});
  if (items.length === 0) cli.note('The vault keeps no credentials of other protocols.');
  for (const { id, title, file, keptAt } of items) {
    cli.out(`${id}  ${oneLine(title, 200)} (from ${oneLine(file, 200)}, ${keptAt})`);
  }
}

async function forget(cli: Cli, id: string): Promise<void> {
  const pin = await askPin(cli, 'Your PIN, to remove it: ');
  await cli.control().call('forgetStoredCredential', { id, pin });
  cli.out(`${id} is no longer in the vault.`);
}

export function registerVault(program: Command, cli: Cli): void {
  const vault = program.command('vault').description('secrets of connections, which the gateway keeps');
  vault
    .command('adopt')
    .description('move credentials that an agent could read into the vault; takes the PIN')
    .option('--project <folder>', 'whose env files are looked at too (the current folder)')
    .option('--also <kinds>', 'mysql, aws, kube, git: move these too, though the gateway does not speak them yet')
    .option('--dry-run', 'say what would be moved, and change nothing')
    .action((options: AdoptOptions) => adopt(cli, options));
  vault
    .command('restore <file>')
    .description('put the files back that adopt changed')
    .action((file: string) => restore(cli, file));
  vault
    .command('list')
    .description('credentials that are kept for protocols that the gateway does not speak yet')
    .action(() => list(cli));
  vault
    .command('forget <id>')
    .description('remove one of them; takes the PIN')
    .action((id: string) => forget(cli, id));
}

import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { replaceSettings } from '../agents/install/files.ts';
import type { Connection } from '../contract/connection.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Adopted, CredentialFile, FoundCredential } from '../vault/adopt/credential.ts';
import { connectionFor, findCredentials } from '../vault/adopt/find.ts';
import { openWayBack, sealWayBack } from '../vault/adopt/way-back.ts';
import type { Cli } from './cli.ts';
import { typedCommand } from './home.ts';
import { askPin } from './pin.ts';
import { askPassphrase, newPassphrase } from './trust-passphrase.ts';
import { oneLine } from './visible-text.ts';

interface AdoptOptions {
  project?: string;
  dryRun?: boolean;
}

const placeOf = ({ file, line }: FoundCredential) => `${file}, line ${line}`;
const targetOf = ({ user, host, port, database }: FoundCredential) => `${user}@${host}:${port}/${database}`;

/**
 * Moves passwords that an agent could read into the vault, each once its connection was tried; what the files were
 * is sealed with a passphrase first. Takes the PIN.
 */
async function adopt(cli: Cli, options: AdoptOptions): Promise<void> {
  const home = cli.env.HOME ?? homedir();
  const found = findCredentials({ home, project: resolve(options.project ?? '.'), env: cli.env });
  for (const { file, credentials, left } of found) {
    for (const one of credentials) cli.out(`${oneLine(placeOf(one), 200)}: ${oneLine(targetOf(one), 200)}`);
    for (const { line, why } of left) cli.note(`${oneLine(file, 200)}, line ${line} stays as it is: ${why}`);
  }
  const files = found.filter(({ credentials }) => credentials.length > 0);
  if (files.length === 0) {
    cli.note('No password of a PostgreSQL server was found in files of libpq or of this project.');
    return;
  }
  if (options.dryRun) return;
  const passphrase = await newPassphrase(cli, 'the way back', undefined);
  const pin = await askPin(cli, 'Your PIN, to register these connections: ');
  const wayBack = join(home, `.countersign-adopted-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.age`);
  const sealed = await sealWayBack(Object.fromEntries(files.map(({ file, text }) => [file, text])), passphrase);
  replaceSettings(wayBack, Buffer.from(sealed), 0o600);
  const rotate: string[] = [];
  for (const file of files) rotate.push(...(await adoptFile(cli, file, pin)));
  if (rotate.length === 0) {
    rmSync(wayBack, { force: true });
    cli.exitWith(1);
    return;
  }
  cli.out('An agent may have read these passwords. Give each of them a new one, and tell the gateway of it:');
  for (const one of rotate) cli.out(`  ${oneLine(one, 300)}`);
  cli.note(`The files as they were are sealed in ${wayBack}`);
  cli.note(`They come back with: ${typedCommand(cli, `vault restore ${wayBack}`)}`);
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
  for (const [path, text] of Object.entries(files)) {
    replaceSettings(path, text, 0o600);
    // libpq takes no password file that others can read.
    if (/pgpass/.test(path)) chmodSync(path, 0o600);
    cli.out(`${oneLine(path, 200)} is as it was`);
  }
  cli.note('An agent can read these passwords again.');
}

export function registerVault(program: Command, cli: Cli): void {
  const vault = program.command('vault').description('secrets of connections, which the gateway keeps');
  vault
    .command('adopt')
    .description('move passwords of PostgreSQL servers that an agent could read into the vault; takes the PIN')
    .option('--project <folder>', 'whose env files are looked at too (the current folder)')
    .option('--dry-run', 'say what would be moved, and change nothing')
    .action((options: AdoptOptions) => adopt(cli, options));
  vault
    .command('restore <file>')
    .description('put the files back that adopt changed')
    .action((file: string) => restore(cli, file));
}

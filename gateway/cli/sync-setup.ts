import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import { KEEPING_KINDS, Keeping, type SyncSetup } from '../contract/sync.ts';
import type { Cli } from './cli.ts';
import { askPin } from './pin.ts';
import { parseBytes, statusLines } from './sync-text.ts';

/** Which store. */
export interface TargetOptions {
  folder?: string;
  sftp?: string;
  hostKey?: string[];
  keyFile?: string;
  agent?: boolean;
  password?: boolean;
  s3?: string;
  bucket?: string;
  accessKeyId?: string;
  region?: string;
  ca?: string;
  file?: string;
  off?: boolean;
}

interface SetupOptions extends TargetOptions {
  sameStore?: boolean;
  bandwidth?: string;
  overdueHours?: string;
  budget?: string;
  whenFull?: string;
  rules?: string;
  keep?: string[];
}

type Target = Record<string, unknown>;
interface Chosen {
  target: Target | null | undefined;
  secrets: Record<string, string>;
}

const usage = (sentence: string) => new CountersignError('USAGE', sentence);

function json(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch (cause) {
    throw new CountersignError('USAGE', `${file} is not a JSON file that can be read`, { cause });
  }
}

function size(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === null) throw usage(`${text} is no size such as 500M or 20G`);
  return bytes;
}

/** `user@host[:port][/path]`; a path after `//` is absolute. */
function sftpPlace(text: string): Target {
  const match = /^([^@/\s]+)@(\[[0-9a-fA-F:.]+\]|[^:/\s[\]]+)(?::(\d{1,5}))?(?:\/(.*))?$/.exec(text);
  if (match === null) throw usage(`${text} is not of the form user@host:port/folder`);
  const [, user, host = '', port, path] = match;
  return {
    kind: 'sftp',
    user,
    host: host.replace(/^\[|\]$/g, ''),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(path === undefined || path === '' ? {} : { path }),
  };
}

async function sftpTarget(cli: Cli, options: TargetOptions, ids: string): Promise<Chosen> {
  const secrets: Record<string, string> = {};
  const place = sftpPlace(options.sftp as string);
  if (options.hostKey === undefined)
    throw usage(
      'say which host key the server has: --host-key "SHA256:…", as its administrator (not the network) tells it',
    );
  const ask = async (id: string, question: string) => {
    const secret = await cli.prompt.secret(question, cli.signal);
    if (secret === '') return undefined;
    secrets[id] = secret;
    return id;
  };
  let auth: Target;
  if (options.keyFile !== undefined) {
    const passphrase = await ask(`${ids}passphrase`, 'Passphrase of the key (empty for none): ');
    auth = { method: 'key-file', file: resolve(options.keyFile), ...(passphrase === undefined ? {} : { passphrase }) };
  } else if (options.password) {
    auth = { method: 'password', password: (await ask(`${ids}password`, 'Password: ')) ?? `${ids}password` };
  } else auth = { method: 'agent' };
  return { target: { ...place, hostKeys: options.hostKey, auth }, secrets };
}

async function s3Target(cli: Cli, options: TargetOptions, ids: string): Promise<Chosen> {
  const { s3: endpoint, bucket, accessKeyId, region, ca } = options;
  if (bucket === undefined || accessKeyId === undefined) throw usage('an S3 store needs --bucket and --access-key-id');
  const secret = await cli.prompt.secret('Secret access key: ', cli.signal);
  return {
    target: {
      kind: 's3',
      endpoint,
      bucket,
      accessKeyId,
      secretAccessKey: `${ids}secret-access-key`,
      ...(region === undefined ? {} : { region }),
      ...(ca === undefined ? {} : { caFile: resolve(ca) }),
    },
    secrets: { [`${ids}secret-access-key`]: secret },
  };
}

async function fileTarget(cli: Cli, file: string): Promise<Chosen> {
  const target = json(file);
  const secrets: Record<string, string> = {};
  for (const [, id] of JSON.stringify(target).matchAll(/"(store\/[a-z0-9/_.-]{1,95})"/g)) {
    if (id === undefined || secrets[id] !== undefined) continue;
    secrets[id] = await cli.prompt.secret(`Secret ${id}: `, cli.signal);
  }
  return { target, secrets };
}

/** @param ids how those of its secrets begin. */
export async function chosenTarget(cli: Cli, options: TargetOptions, ids = 'store/'): Promise<Chosen> {
  const ways = [options.folder, options.sftp, options.s3, options.file, options.off].filter((way) => way !== undefined);
  if (ways.length > 1) throw usage('one store at a time: --folder, --sftp, --s3, --file or --off');
  if (options.off) return { target: null, secrets: {} };
  if (options.folder !== undefined) return { target: { kind: 'folder', path: resolve(options.folder) }, secrets: {} };
  if (options.sftp !== undefined) return sftpTarget(cli, options, ids);
  if (options.s3 !== undefined) return s3Target(cli, options, ids);
  if (options.file !== undefined) return fileTarget(cli, options.file);
  return { target: undefined, secrets: {} };
}

function retentionOf(options: SetupOptions): Record<string, unknown> | undefined {
  const { budget, whenFull, rules } = options;
  if (budget === undefined && rules === undefined) {
    if (whenFull !== undefined) throw usage('--when-full goes with --budget');
    return undefined;
  }
  return {
    ...(rules === undefined ? {} : { rules: json(rules).rules ?? [] }),
    ...(budget === undefined
      ? {}
      : { budget: budget === 'none' ? null : { bytes: size(budget), whenFull: whenFull ?? 'warn' } }),
  };
}

/** `prompts=local` and the like. */
function keepingOf(texts: readonly string[]): SyncSetup['keeping'] {
  const rules: Record<string, string> = {};
  for (const text of texts) {
    const [kind = '', how = ''] = text.split('=');
    if (!KEEPING_KINDS.some((one) => one === kind) || !Keeping.safeParse(how).success)
      throw usage(`${text} is not of the form ${KEEPING_KINDS.join('|')}=${Keeping.options.join('|')}`);
    rules[kind] = how;
  }
  return rules as SyncSetup['keeping'];
}

async function setup(cli: Cli, options: SetupOptions): Promise<void> {
  const { target, secrets } = await chosenTarget(cli, options);
  const retention = retentionOf(options);
  const input: SyncSetup = {
    sameStore: options.sameStore ?? false,
    secrets,
    ...(target === undefined ? {} : { target }),
    ...(options.bandwidth === undefined
      ? {}
      : { bandwidth: options.bandwidth === 'none' ? null : size(options.bandwidth) }),
    ...(options.overdueHours === undefined ? {} : { overdueHours: Number(options.overdueHours) }),
    ...(retention === undefined ? {} : { retention }),
    ...(options.keep === undefined ? {} : { keeping: keepingOf(options.keep) }),
  };
  if (Object.keys(input).length === 2) throw usage('say what to set up; countersign sync setup --help lists it');
  const pin = await askPin(cli, 'Your PIN, since this changes where evidence goes and how long it is kept: ');
  for (const line of statusLines(await cli.control().call('setUpSync', { setup: input, pin }))) cli.out(line);
}

export const withTargetOptions = (command: Command): Command =>
  command
    .option('--folder <path>', 'a folder, such as the mount of a share')
    .option('--sftp <user@host:port/folder>', 'an SFTP server')
    .option('--host-key <key...>', 'its host key: SHA256:…, or a line of known_hosts')
    .option('--key-file <file>', 'the private key to log in with; its passphrase is typed')
    .option('--agent', 'log in with the keys of the SSH agent (default)')
    .option('--password', 'log in with a password, which is typed')
    .option('--s3 <endpoint>', 'an S3-compatible store, such as https://objects.example')
    .option('--bucket <name>')
    .option('--access-key-id <id>', 'its secret is typed')
    .option('--region <name>')
    .option('--ca <file>', "PEM of the authority of the store's certificate")
    .option('--file <json>', 'a store with everything that can be said of one (docs/sync.md)');

export function registerSyncSetup(sync: Command, cli: Cli): void {
  withTargetOptions(
    sync
      .command('setup')
      .description('say which store, and how much is kept here; the store is tried before anything changes'),
  )
    .option('--off', 'let nothing leave this machine any more')
    .option('--same-store', 'it is the store from before by another name: nothing is sent again')
    .option('--bandwidth <size>', 'bytes a second, such as 500k; none for no limit')
    .option('--overdue-hours <n>', "after how long the device's log says that something waits")
    .option('--budget <size>', 'what recordings may take of this disk, such as 20G; none for no limit')
    .option('--when-full <what>', 'where what is not in the store exceeds it: warn (default) or stop-forwarding')
    .option('--rules <json>', 'retention rules (docs/sync.md)')
    .option(
      '--keep <what=how...>',
      'prompts, thoughts, answers or files of agents: all (recorded and sent), local (never leave this machine) or omit',
    )
    .action((options: SetupOptions) => setup(cli, options));
}

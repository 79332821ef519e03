import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { Connection } from '../contract/connection.ts';
import { CountersignError } from '../contract/errors.ts';
import { type Cli, table } from './cli.ts';
import { typedCommand } from './home.ts';
import { askPin } from './pin.ts';
import { oneLine } from './visible-text.ts';

interface AddOptions {
  file?: string;
  host?: string;
  port?: string;
  user?: string;
  database?: string;
  tls?: string;
  ca?: string;
  observe?: boolean;
  access?: string[];
  environment?: string;
  secretStdin?: boolean;
}

const present = (fields: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** A JSON file with the connection's fields, options over it. */
function connectionFrom(id: string, options: AddOptions): Connection {
  let file: Record<string, unknown> = {};
  if (options.file !== undefined) {
    try {
      file = JSON.parse(readFileSync(options.file, 'utf8')) as Record<string, unknown>;
    } catch (cause) {
      throw new CountersignError('CONNECTION_FILE', `${options.file} is not a JSON file that can be read`, { cause });
    }
  }
  const tls = present({ ...(file.tls as object | undefined), mode: options.tls, caFile: options.ca });
  const parsed = Connection.safeParse({
    kind: 'postgres',
    ...file,
    ...present({
      host: options.host,
      port: options.port === undefined ? undefined : Number(options.port),
      user: options.user,
      database: options.database,
      environment: options.environment,
      access: options.access === undefined ? undefined : accessOf(options.access),
      mode: options.observe ? 'observe' : undefined,
    }),
    ...(Object.keys(tls).length > 0 ? { tls } : {}),
    id,
  });
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new CountersignError('CONNECTION_INVALID', `this is not a connection yet: ${wrong}`);
}

async function add(cli: Cli, id: string, options: AddOptions): Promise<void> {
  const connection = connectionFrom(id, options);
  const secret = options.secretStdin
    ? (await text(process.stdin)).replace(/\r?\n$/, '')
    : await cli.prompt.secret(`Password of ${connection.user} at ${connection.host} (empty for none): `, cli.signal);
  const pin = await askPin(cli, 'Your PIN, since this changes what agents can reach: ');
  await cli.control().call('putConnection', { id, connection, ...(secret === '' ? {} : { secret }), pin });
  cli.out(`${id} is registered. Let a client in with: ${typedCommand(cli, `connect ${id}`)}`);
}

const accessInWords = (access: Connection['access']): string =>
  access === undefined
    ? 'for everybody'
    : oneLine(
        Object.entries(access)
          .map(([group, level]) => `${group}: ${level}`)
          .join(', ') || 'for nobody',
        100,
      );

/** GROUP=LEVEL, the last sign counting, since names of groups may have one. Throws USAGE. */
function accessOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.lastIndexOf('=');
      if (at < 1) throw new CountersignError('USAGE', `--access takes GROUP=LEVEL, and this is ${pair}`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

async function list(cli: Cli): Promise<void> {
  const { items } = await cli.control().call('connections', {});
  if (items.length === 0)
    cli.note('No connection is registered; add one with: countersign connections add NAME --host …');
  const rows = items.map((one) => [
    one.id,
    one.mode,
    `masking ${one.masking}`,
    one.environment,
    accessInWords(one.access),
    one.hasSecret ? 'password held' : 'no password',
    oneLine(`${one.user}@${one.host}:${one.port}/${one.database}`, 100),
  ]);
  for (const line of table(rows)) cli.out(line);
}

export function registerConnections(program: Command, cli: Cli): void {
  const connections = program.command('connections').description('the systems that agents reach through the gateway');
  connections
    .command('list')
    .description('what is registered')
    .action(() => list(cli));
  connections
    .command('add <name>')
    .description('register or replace one; its password is typed, or comes from standard input')
    .option('--file <json>', "the connection's fields, column tags included")
    .option('--host <host>', 'host, address, or folder of a unix socket')
    .option('--port <port>')
    .option('--user <role>')
    .option('--database <name>')
    .option('--tls <mode>', 'disable, require, verify-ca or verify-full (default)')
    .option('--ca <file>', "the certificate authority's file")
    .option('--environment <name>', 'production (default), staging or development')
    .option('--observe', 'forward everything and only note what would have been asked or denied')
    .option(
      '--access <group=level...>',
      'for these groups alone: read-only, read-write or admin (docs/administration.md)',
    )
    .option('--secret-stdin', 'read the password from standard input')
    .action((id: string, options: AddOptions) => add(cli, id, options));
  connections
    .command('test <name>')
    .description('connect to it as the gateway would')
    .action(async (id: string) => {
      const result = await cli.control().call('testConnection', { id });
      cli.out(result.sentence);
      if (!result.ok) cli.exitWith(1);
    });
  connections
    .command('remove <name>')
    .description('forget it and its password')
    .action(async (id: string) => {
      const pin = await askPin(cli, `Remove ${id}? Your PIN: `);
      await cli.control().call('deleteConnection', { id, pin });
      cli.out(`removed: ${id}`);
    });
}

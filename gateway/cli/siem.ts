import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import { SiemDestination, type SiemStatus } from '../contract/siem.ts';
import type { Cli } from './cli.ts';
import { askPin } from './pin.ts';
import { visibleJson, visibleLine } from './terminal/visible.ts';
import { wholeNumber } from './whole-number.ts';

interface SetupOptions {
  syslog?: string;
  http?: string;
  file?: string;
  format?: string;
  statements?: string;
  texts?: boolean;
  ca?: string;
  cert?: string;
  key?: string;
  serverName?: string;
  header?: string;
  secret?: boolean;
  secretStdin?: boolean;
}

/** `host`, `host:port` or `[address]:port`. */
function hostAndPort(where: string): { host: string; port?: number } {
  const parts = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(where);
  const host = parts?.[1] ?? parts?.[2];
  if (!host) throw new CountersignError('USAGE', '--syslog takes a host and perhaps a port, such as siem.example:6514');
  return parts?.[3] === undefined ? { host } : { host, port: wholeNumber(parts[3], 'the port', 1, 65_535) };
}

function kindOf({ syslog, http, file, header }: SetupOptions): Record<string, unknown> {
  const given = [syslog, http, file].filter((one) => one !== undefined);
  if (given.length !== 1) throw new CountersignError('USAGE', 'give one of --syslog, --http and --file');
  if (syslog !== undefined) return { kind: 'syslog', ...hostAndPort(syslog) };
  if (http !== undefined) return { kind: 'http', url: http, secretHeader: header };
  return { kind: 'file', path: file };
}

function destinationOf(id: string, options: SetupOptions): SiemDestination {
  const { format, statements, texts, ca, cert, key, serverName } = options;
  // The gateway may run elsewhere than this command.
  const file = (path: string | undefined) => (path === undefined ? undefined : resolve(path));
  const tls = { caFile: file(ca), certFile: file(cert), keyFile: file(key), serverName };
  const fields = { id, ...kindOf(options), format, statements, texts, ...tls };
  const present = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const parsed = SiemDestination.safeParse(present);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CountersignError(
    'USAGE',
    `${issue?.path.join('.') || 'the destination'}: ${issue?.message ?? 'not understood'}`,
  );
}

async function setup(cli: Cli, id: string, options: SetupOptions): Promise<void> {
  const destination = destinationOf(id, options);
  let secret: string | undefined;
  if (options.secretStdin) secret = (await text(process.stdin)).replace(/\r?\n$/, '');
  else if (options.secret) secret = await cli.prompt.secret('Value of the header: ', cli.signal);
  const pin = await askPin(cli, 'Your PIN, since this says who is told what happens here: ');
  const control = cli.control();
  await control.call('putSiem', { id, destination, ...(secret ? { secret } : {}), pin });
  const { ok, sentence } = await control.call('testSiem', { id });
  cli.out(visibleLine(sentence));
  if (!ok) cli.note('It is set up all the same: what happens waits until it can be sent.');
  if (!ok) cli.exitWith(1);
}

function where(destination: SiemDestination): string {
  switch (destination.kind) {
    case 'syslog':
      return `syslog to ${destination.host}:${destination.port}`;
    case 'http':
      return destination.url;
    case 'file':
      return destination.path;
  }
}

function tell(
  cli: Cli,
  { destination, waiting, waitingSince, sent, dropped, lastSentAt, error, nextTryAt }: SiemStatus,
): void {
  const { id, format, statements, texts } = destination;
  cli.out(`${id}: ${visibleLine(where(destination))}`);
  cli.out(`  ${format}, ${statements} statements, ${texts ? 'with' : 'without'} texts`);
  cli.out(
    `  ${sent} sent${lastSentAt ? `, last at ${lastSentAt}` : ''}; ${waiting} waiting${waitingSince ? ` since ${waitingSince}` : ''}`,
  );
  if (dropped > 0) cli.out(`  ${dropped} given up, because the spool was full; recordings have them`);
  if (error !== null) cli.out(`  ${visibleLine(error)}${nextTryAt ? `; tried again at ${nextTryAt}` : ''}`);
}

async function status(cli: Cli, { json }: { json?: boolean }): Promise<void> {
  const { items } = await cli.control().call('siemStatus', {});
  if (json) cli.out(visibleJson(items, 2));
  else for (const item of items) tell(cli, item);
  if (items.length === 0)
    cli.note('Nobody is told what happens; set one up with: countersign siem setup NAME --syslog HOST');
  if (items.some(({ error, dropped }) => error !== null || dropped > 0)) cli.exitWith(1);
}

async function test(cli: Cli, id: string | undefined): Promise<void> {
  const control = cli.control();
  const ids = id === undefined ? (await control.call('siemStatus', {})).items.map((one) => one.destination.id) : [id];
  for (const one of ids) {
    const { ok, sentence } = await control.call('testSiem', { id: one });
    cli.out(visibleLine(sentence));
    if (!ok) cli.exitWith(1);
  }
}

export function registerSiem(program: Command, cli: Cli): void {
  const siem = program.command('siem').description('where the team watches what happens');
  siem
    .command('status')
    .description('what was sent, what waits, and why')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) => status(cli, options));
  siem
    .command('test [name]')
    .description('send one event now (default: to each)')
    .action((id: string | undefined) => test(cli, id));
  siem
    .command('setup <name>')
    .description('tell one more of what happens, or change how (asks for your PIN)')
    .option('--syslog <host:port>', 'syslog over TLS (RFC 5424, RFC 5425)')
    .option('--http <url>', 'batches of lines by POST')
    .option('--file <path>', 'a file of lines, rotated')
    .option('--format <name>', 'ocsf (default) or cef')
    .option('--statements <which>', 'noteworthy (default), all or none')
    .option('--texts', 'texts of statements too, which may hold values')
    .option('--ca <file>', 'the authority of its certificate, in place of the system’s')
    .option('--cert <file>', 'a client certificate')
    .option('--key <file>', 'and its key')
    .option('--server-name <name>', 'the name its certificate is for, where it is not the host')
    .option('--header <name>', 'the header that takes the secret (default: authorization)')
    .option('--secret', 'ask for the value of that header')
    .option('--secret-stdin', 'read it from standard input')
    .action((id: string, options: SetupOptions) => setup(cli, id, options));
  siem
    .command('remove <name>')
    .description('tell it nothing more; what waits for it is forgotten (asks for your PIN)')
    .action(async (id: string) => {
      const pin = await askPin(cli, `Remove ${visibleLine(id)}? Your PIN: `);
      await cli.control().call('deleteSiem', { id, pin });
      cli.out(`removed: ${visibleLine(id)}`);
    });
}

import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { cursorDeepLink } from '../agents/cursor/mcp-config.ts';
import { CountersignError } from '../contract/errors.ts';
import { McpSecrets, McpServer, type McpServerView, OAUTH_CLIENT_SECRET } from '../contract/mcp.ts';
import { openBrowser } from './browser.ts';
import { type Cli, table } from './cli.ts';
import { typedCommand } from './home.ts';
import { askPin } from './pin.ts';
import { oneLine } from './visible-text.ts';

const POLL_MS = 1_000;

interface AddOptions {
  file?: string;
  url?: string;
  sse?: boolean;
  env: string[];
  header: string[];
  cwd?: string;
  allow?: string[];
  deny: string[];
  agent?: string;
  observe?: boolean;
  masking: boolean;
  sampling?: boolean;
  elicitation?: boolean;
  secretsStdin?: boolean;
  oauth?: boolean;
  clientId?: string;
  clientSecret?: boolean;
  scope?: string[];
  issuer?: string;
}

/** null: nothing of a sign-in is said. */
function oauthFrom({ oauth, clientId, clientSecret, scope, issuer }: AddOptions) {
  if (!oauth && !clientSecret && clientId === undefined && scope === undefined && issuer === undefined) return null;
  return {
    ...(clientId === undefined ? {} : { clientId }),
    clientSecret: clientSecret === true,
    ...(scope === undefined ? {} : { scopes: scope }),
    ...(issuer === undefined ? {} : { issuer }),
  };
}

/** A JSON file with the server's fields, options over it. */
function serverFrom(name: string, command: readonly string[], options: AddOptions): McpServer {
  let file: Record<string, unknown> = {};
  if (options.file !== undefined) {
    try {
      file = JSON.parse(readFileSync(options.file, 'utf8')) as Record<string, unknown>;
    } catch (cause) {
      throw new CountersignError('MCP_FILE', `${options.file} is not a JSON file that can be read`, { cause });
    }
  }
  const [program, ...args] = command;
  if (program !== undefined && options.url !== undefined) {
    throw new CountersignError('USAGE', 'a server is a program (after --) or an address (--url), not both');
  }
  const { cwd, env, header } = options;
  const oauth = oauthFrom(options);
  if (oauth !== null && options.url === undefined) {
    throw new CountersignError('USAGE', 'a sign-in is to an address: give --url as well');
  }
  const transport =
    program !== undefined
      ? { type: 'stdio', command: program, args, env, ...(cwd === undefined ? {} : { cwd }) }
      : options.url !== undefined
        ? {
            type: options.sse ? 'sse' : 'http',
            url: options.url,
            headers: header,
            ...(oauth === null ? {} : { oauth }),
          }
        : file.transport;
  const parsed = McpServer.safeParse({
    ...file,
    name,
    transport,
    ...(options.allow === undefined && options.deny.length === 0
      ? {}
      : { tools: { allow: options.allow ?? null, deny: options.deny } }),
    ...(options.agent === undefined ? {} : { agent: options.agent }),
    ...(options.observe ? { mode: 'observe' } : {}),
    ...(options.masking ? {} : { masking: 'off' }),
    ...(options.sampling ? { sampling: 'policy' } : {}),
    ...(options.elicitation ? { elicitation: 'policy' } : {}),
  });
  if (parsed.success) return parsed.data;
  if (transport === undefined) {
    throw new CountersignError(
      'USAGE',
      `say what it is: mcp add ${name} -- PROGRAM ARGS, or mcp add ${name} --url URL`,
    );
  }
  const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new CountersignError('MCP_INVALID', `this is not an MCP server yet: ${wrong}`);
}

/** Typed, or as a JSON object on standard input; never arguments, which others can read. */
async function secretsOf(cli: Cli, server: McpServer, options: AddOptions): Promise<McpSecrets> {
  const { transport } = server;
  const names = transport.type === 'stdio' ? [...transport.env] : [...transport.headers];
  if (transport.type !== 'stdio' && transport.oauth?.clientSecret) names.push(OAUTH_CLIENT_SECRET);
  if (options.secretsStdin) {
    try {
      return McpSecrets.parse(JSON.parse(await text(process.stdin)));
    } catch {
      throw new CountersignError('USAGE', 'standard input has to hold one JSON object: {"NAME": "value"}');
    }
  }
  const secrets: McpSecrets = {};
  for (const name of names) secrets[name] = await cli.prompt.secret(`Value of ${name}: `, cli.signal);
  return secrets;
}

async function add(cli: Cli, name: string, command: readonly string[], options: AddOptions): Promise<void> {
  const server = serverFrom(name, command, options);
  const secrets = await secretsOf(cli, server, options);
  const pin = await askPin(cli, 'Your PIN, since the gateway will run or call this server: ');
  await cli.control().call('putMcpServer', { name, server, secrets, pin });
  cli.out(`${name} is registered. Agents reach it with: ${typedCommand(cli, `mcp ${name}`)}`);
  if (server.transport.type !== 'stdio' && server.transport.oauth !== undefined)
    cli.note(`Sign in:       ${typedCommand(cli, `mcp login ${name}`)}`);
  cli.note(`Try it:        ${typedCommand(cli, `mcp test ${name}`)}`);
  cli.note(`For Cursor:    ${typedCommand(cli, `mcp link ${name}`)}`);
}

function whereOf({ transport }: McpServerView): string {
  return transport.type === 'stdio' ? [transport.command, ...transport.args].join(' ') : transport.url;
}

async function list(cli: Cli): Promise<void> {
  const { items } = await cli.control().call('mcpServers', {});
  if (items.length === 0) cli.note('No MCP server is registered; add one with: countersign mcp add NAME -- PROGRAM …');
  const rows = items.map((one) => [
    one.name,
    one.transport.type,
    one.mode,
    `masking ${one.masking}`,
    one.signedIn === null ? '' : one.signedIn ? 'signed in' : 'NOT SIGNED IN',
    `${one.pinned} tools pinned`,
    one.changed.length === 0 ? '' : `CHANGED: ${oneLine(one.changed.join(', '), 60)}`,
    oneLine(whereOf(one), 100),
  ]);
  for (const line of table(rows)) cli.out(line);
}

async function test(cli: Cli, name: string): Promise<void> {
  const result = await cli.control().call('testMcpServer', { name });
  cli.out(oneLine(result.sentence, 400));
  const rows = result.tools.map((tool) => [tool.state, oneLine(tool.name, 80), oneLine(tool.title, 80)]);
  for (const line of table(rows)) cli.out(line);
  if (!result.ok) cli.exitWith(1);
}

/** Lets a person sign in, in a browser on this machine. */
async function login(cli: Cli, name: string, { open }: { open: boolean }): Promise<void> {
  const control = cli.control();
  const pin = await askPin(cli, `The gateway will act at ${name} as whoever signs in. Your PIN: `);
  const begun = await control.call('signInMcpServer', { name, pin });
  cli.out(oneLine(begun.sentence, 300));
  cli.out('Open this address in a browser on this machine:');
  cli.out(`  ${oneLine(begun.url ?? '', 8192)}`);
  if (open && begun.url !== null) openBrowser(begun.url, cli.env);
  cli.note('Waiting for the sign-in; ^C gives it up.');
  let view = begun;
  while (view.state === 'waiting' && !cli.signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    view = await control.call('mcpSignInState', { name, id: begun.id });
  }
  if (view.state === 'waiting') return cli.exitWith(130);
  (view.state === 'done' ? cli.out : cli.note)(oneLine(view.sentence, 600));
  if (view.state === 'failed') cli.exitWith(1);
}

/** The program as an editor can start it: absolute, since its PATH is not a shell's. */
function shim(): { command: string; args: string[] } {
  return { command: process.execPath, args: [fileURLToPath(new URL('../bin/countersign.mjs', import.meta.url))] };
}

function link(cli: Cli, name: string): void {
  const { command, args } = shim();
  const entry = { type: 'stdio', command, args: [...args, 'mcp', name] };
  cli.out(cursorDeepLink(name, shim()));
  cli.note('Open this link to add the server to Cursor, or put this into "mcpServers" of mcp.json:');
  cli.note(`"${name}": ${JSON.stringify(entry)}`);
}

const collect = (value: string, before: string[] = []) => [...before, value];

export function registerMcp(program: Command, cli: Cli): void {
  const mcp = program
    .command('mcp')
    .description(
      'MCP servers that agents reach through the gateway; mcp NAME is one of them, on standard input and output',
    );
  mcp
    .command('add <name> [command...]')
    .description('register or replace one: its program after --, or --url; secrets are typed')
    .option('--file <json>', "the server's fields")
    .option('--url <url>', 'a server that is reached over HTTP')
    .option('--sse', 'over the older transport of server-sent events')
    .option('--env <name>', 'a variable that the program gets; its value goes to the vault', collect, [])
    .option('--header <name>', 'a header of each request; its value goes to the vault', collect, [])
    .option('--cwd <folder>', 'where the program runs')
    .option('--allow <tool>', 'a tool that agents may use; then no others (* at the end: any)', collect)
    .option('--deny <tool>', 'a tool that agents may not use', collect, [])
    .option('--agent <name>', 'whose calls these are, for policies')
    .option('--observe', 'forward everything and only note what would have been asked or denied')
    .option('--no-masking', 'leave results as they are')
    .option('--sampling', 'let the server ask for the model, under policy')
    .option('--elicitation', 'let the server ask the user, under policy')
    .option('--oauth', 'the server wants a sign-in (OAuth)')
    .option('--client-id <id>', 'of a client that is registered for it; else the gateway registers itself')
    .option('--client-secret', 'that client has a secret, which goes to the vault')
    .option('--scope <scope>', 'what to ask for, in place of what the server asks for', collect)
    .option('--issuer <url>', 'the only address at which people sign in for it')
    .option('--secrets-stdin', 'read the values from standard input: {"NAME": "value"}')
    .action((name: string, command: string[], options: AddOptions) => add(cli, name, command, options));
  mcp
    .command('list')
    .description('what is registered')
    .action(() => list(cli));
  mcp
    .command('test <name>')
    .description('connect to it as the gateway would, and list its tools')
    .action((name: string) => test(cli, name));
  mcp
    .command('accept <name> [tool]')
    .description('take its tools as they are described now')
    .action(async (name: string, tool: string | undefined) => {
      const pin = await askPin(cli, `Accept how ${tool ?? `the tools of ${name}`} are described now? Your PIN: `);
      const { accepted } = await cli.control().call('acceptMcpTools', { name, pin, ...(tool ? { tool } : {}) });
      cli.out(accepted.length === 0 ? 'nothing had changed' : `accepted: ${oneLine(accepted.join(', '), 400)}`);
    });
  mcp
    .command('login <name>')
    .description('sign in to a server that wants it (OAuth); the tokens stay with the gateway')
    .option('--no-open', 'print the address, and open no browser')
    .action((name: string, options: { open: boolean }) => login(cli, name, options));
  mcp
    .command('logout <name>')
    .description('take the tokens of its sign-in back and forget them')
    .action(async (name: string) => {
      await cli.control().call('signOutMcpServer', { name });
      cli.out(`signed out of ${name}`);
    });
  mcp
    .command('token <name>')
    .description('let one client in over HTTP: prints its address and a token')
    .option('--purpose <text>', 'what it is for', '')
    .option('--conversation <id>', "the agent's conversation that its calls belong to")
    .action(async (name: string, { purpose, conversation }: { purpose: string; conversation?: string }) => {
      const conversationId = conversation ?? cli.env.COUNTERSIGN_CONVERSATION ?? null;
      const minted = await cli.control().call('mintMcpToken', { name, purpose, conversationId });
      cli.out(minted.url);
      cli.out(`Authorization: Bearer ${minted.token}`);
      cli.note('The token is for the gateway, for this server alone; it ends 15 minutes after its last use.');
      cli.note(`End it now with: ${typedCommand(cli, `revoke ${minted.agentSessionId}`)}`);
    });
  mcp
    .command('link <name>')
    .description('a link that adds it to Cursor by one click')
    .action((name: string) => link(cli, name));
  mcp
    .command('remove <name>')
    .description('forget it and its secrets')
    .action(async (name: string) => {
      const pin = await askPin(cli, `Remove ${name}? Your PIN: `);
      await cli.control().call('deleteMcpServer', { name, pin });
      cli.out(`removed: ${name}`);
    });
}

import { fileURLToPath } from 'node:url';
import { mcpFile, planMcp, unwrapMcp, writeMcp } from '../agents/cursor/mcp-install.ts';
import type { OwnShim } from '../agents/cursor/mcp-proxy.ts';
import { CountersignError } from '../contract/errors.ts';
import { McpServer } from '../contract/mcp.ts';
import { homeForHooks, type LevelOptions, levelOf, whereOf } from './agents.ts';
import type { Cli } from './cli.ts';
import { askPin } from './pin.ts';
import { oneLine } from './visible-text.ts';

/** Throws USAGE. */
export function assertHasMcp(options: LevelOptions): void {
  if (levelOf(options) === 'managed')
    throw new CountersignError('USAGE', 'MCP servers are named for a user or a project, so --mcp goes with these');
}

const PROGRAM = fileURLToPath(new URL('../bin/countersign.mjs', import.meta.url));

/** What an entry of mcp.json has to start to go through this gateway. */
export async function ownShim(cli: Cli): Promise<OwnShim> {
  const { items } = await cli.control().call('mcpServers', {});
  const names = new Set(items.map(({ name }) => name));
  return {
    node: process.execPath,
    program: PROGRAM,
    home: cli.home(),
    usualHome: homeForHooks(cli, 'user') === null,
    isRegistered: (name) => names.has(name),
  };
}

function fileOf(cli: Cli, options: LevelOptions): { file: string; project: string | null } {
  const level = levelOf(options);
  const { home, project } = whereOf(cli, options);
  return level === 'project' ? { file: mcpFile(project), project } : { file: mcpFile(home), project: null };
}

/** Registers the servers of mcp.json with the gateway, and lets Cursor reach them through it. Takes the PIN. */
export async function wrapCursorMcp(cli: Cli, options: LevelOptions): Promise<void> {
  const { file, project } = fileOf(cli, options);
  const { items } = await cli.control().call('mcpServers', {});
  const home = homeForHooks(cli, levelOf(options));
  const plan = planMcp(file, {
    shim: {
      command: process.execPath,
      args: [PROGRAM],
      after: home === null ? [] : ['--home', home],
    },
    env: cli.env,
    userHome: whereOf(cli, options).home,
    workspaceFolder: project,
    taken: new Set(items.map(({ name }) => name)),
    agent: 'cursor',
  });
  if (plan === null) {
    cli.note(`There is no ${file}.`);
    return;
  }
  for (const { entry, why } of plan.skipped) cli.note(`${oneLine(entry, 80)} is left as it is: ${oneLine(why, 200)}`);
  if (plan.changes.length === 0) {
    cli.out(`Nothing to change in ${file}`);
    return;
  }
  for (const { entry, server } of plan.changes) cli.out(`${oneLine(entry, 80)} becomes the gateway's ${server.name}`);
  const pin = await askPin(cli, 'Your PIN, since the gateway will run or call these servers: ');
  for (const { server, secrets } of plan.changes) {
    const given = { name: server.name, server: McpServer.parse(server), secrets, pin };
    await cli.control().call('putMcpServer', given);
  }
  writeMcp(file, plan);
  cli.out(`Changed ${file}`);
  if (plan.changes.some(({ secrets }) => Object.keys(secrets).length > 0))
    cli.note('Values of variables and headers were in that file, where the agent could read them: replace them.');
}

/** Puts mcp.json back. The servers stay registered until `mcp remove`. */
export function unwrapCursorMcp(cli: Cli, options: LevelOptions): void {
  const { file } = fileOf(cli, options);
  const back = unwrapMcp(file);
  if (back === null) {
    cli.note(`Nothing was kept of ${file}.`);
    return;
  }
  for (const { entry, emptied } of back.restored) {
    cli.out(`${oneLine(entry, 80)} is as it was`);
    if (emptied.length > 0) cli.note(`Fill in again, from where you have them: ${oneLine(emptied.join(', '), 300)}`);
  }
  for (const entry of back.left) cli.note(`${oneLine(entry, 80)} was changed since and stays as it is.`);
}

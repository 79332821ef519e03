import type { Command } from 'commander';
import type { McpServerView } from '../contract/mcp.ts';
import type { GatewayStatus } from '../contract/status.ts';
import { type Cli, table } from './cli.ts';
import { typedCommand } from './home.ts';
import { oneLine } from './visible-text.ts';

function deviceText({ id, org, size, problem, warning }: GatewayStatus['device']): string {
  if (problem !== null) return `${id}: ${problem}`;
  const whose = org === null ? 'of no organisation, so its log stays here' : `of ${org}`;
  return `${id}, ${whose}; ${size} entries in its log${warning === null ? '' : `; ${warning}`}`;
}

/** Nothing where there is none. */
function mcpRows(cli: Cli, servers: readonly McpServerView[]): string[][] {
  if (servers.length === 0) return [];
  const open = servers.reduce((sum, { openSessions }) => sum + openSessions, 0);
  const changed = servers.filter((server) => server.changed.length > 0);
  return [
    ['MCP', `${servers.map(({ name }) => name).join(', ')}; ${open} open session${open === 1 ? '' : 's'}`],
    ...changed.map(({ name, changed: tools }) => [
      '',
      `${name} describes otherwise now: ${oneLine(tools.join(', '), 200)}; look, then ${typedCommand(cli, `mcp accept ${name}`)}`,
    ]),
  ];
}

async function status(cli: Cli): Promise<void> {
  const control = cli.control();
  const [now, mcp] = await Promise.all([control.call('status', {}), control.call('mcpServers', {})]);
  const many = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;
  const rows = [
    ['Gateway', `${now.version}, ${now.protection}, PostgreSQL clients at ${now.postgres.host}:${now.postgres.port}`],
    ['Acts for', oneLine(now.identity, 300)],
    ['Device', deviceText(now.device)],
    ['Recorder', now.recorder.ok ? 'works' : `does not work, so nothing is forwarded: ${now.recorder.error}`],
    [
      'Policy',
      now.policy.error ??
        `${now.policy.hash.slice(0, 12)}${now.policy.staged ? ', a change waits to be accepted' : ''}`,
    ],
    ['PIN', now.pinSet ? 'set' : `not set: approvals need it; set it with: ${typedCommand(cli, 'pin set')}`],
    ['Notifications', `${now.notifications.ok ? 'shown ' : 'none: '}${now.notifications.sentence}`],
    ...(now.halt === null ? [] : [['Halted', `${oneLine(now.halt.sentence, 300)}; ${typedCommand(cli, 'resume')}`]]),
    ...mcpRows(cli, mcp.items),
    ['Now', `${many(now.openSessions, 'open session')}, ${many(now.waiting, 'request')} waiting for a person`],
  ];
  for (const line of table(rows)) cli.out(line);
  if (!now.recorder.ok) cli.exitWith(1);
}

export function registerStatus(program: Command, cli: Cli): void {
  program
    .command('status')
    .description('how the gateway is')
    .action(() => status(cli));
}

import type { Command } from 'commander';
import type { GatewayStatus } from '../contract/api.ts';
import { type Cli, table } from './cli.ts';
import { typedCommand } from './home.ts';
import { oneLine } from './visible-text.ts';

function deviceText({ id, org, size, problem, warning }: GatewayStatus['device']): string {
  if (problem !== null) return `${id}: ${problem}`;
  const whose = org === null ? 'of no organisation, so its log stays here' : `of ${org}`;
  return `${id}, ${whose}; ${size} entries in its log${warning === null ? '' : `; ${warning}`}`;
}

async function status(cli: Cli): Promise<void> {
  const now = await cli.control().call('status', {});
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

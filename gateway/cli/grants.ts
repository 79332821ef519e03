import type { Command } from 'commander';
import { type Cli, duration, table } from './cli.ts';
import { oneLine } from './visible-text.ts';

async function list(cli: Cli): Promise<void> {
  const { items } = await cli.control().call('grants', {});
  const live = items.filter((grant) => grant.revokedAt === null && grant.endedAt === null);
  if (live.length === 0) cli.note('There are no grants: every request that has to be asked is asked.');
  const rows = live.map((grant) => [
    grant.id,
    `${duration(Date.parse(grant.expiresAt) - Date.now())} left`,
    `used ${grant.uses} times`,
    oneLine(grant.sentence, 160),
  ]);
  for (const line of table(rows)) cli.out(line);
}

export function registerGrants(program: Command, cli: Cli): void {
  const grants = program.command('grants').description('leave that was given for more than one request');
  grants
    .command('list')
    .description('those in force')
    .action(() => list(cli));
  grants
    .command('revoke <id>')
    .description('end one now')
    .action(async (id: string) => {
      await cli.control().call('revokeGrant', { id });
      cli.out(`revoked: ${id}`);
    });
  grants
    .command('revoke-all')
    .description('end them all now')
    .action(async () => {
      const { revoked } = await cli.control().call('revokeGrants', {});
      cli.out(`revoked: ${revoked}`);
    });
}

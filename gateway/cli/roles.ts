import type { Command } from 'commander';
import { ROLES, type RoleGroups, type RolesView } from '../contract/roles.ts';
import type { Cli } from './cli.ts';
import { askPin } from './pin.ts';
import { visibleLine } from './terminal/visible.ts';

type SetOptions = { [R in keyof RoleGroups]?: string[] };

function tell(cli: Cli, { roles, sentence, groups }: RolesView): void {
  cli.out(visibleLine(`${sentence}.`));
  cli.out(`roles     ${roles.length === 0 ? 'none' : roles.join(', ')}`);
  if (groups === null) return;
  for (const role of ROLES) cli.out(visibleLine(`${role.padEnd(10)}${groups[role].join(', ') || 'nobody'}`));
}

async function put(cli: Cli, groups: RoleGroups | null): Promise<void> {
  const pin = await askPin(cli, 'Your PIN, since this decides who may do what here: ');
  tell(cli, await cli.control().call('putRoles', { groups, pin }));
}

/** `countersign roles`: what groups of the identity provider may do with this gateway. */
export function registerRoles(program: Command, cli: Cli): void {
  const roles = program
    .command('roles')
    .description('what whoever works here may do, and by which groups (docs/administration.md)')
    .action(async () => tell(cli, await cli.control().call('roles', {})));
  const set = roles
    .command('set')
    .description('name the groups that give each role; takes the PIN. What is not named, nobody has')
    .requiredOption('--admin <group...>', 'change connections, policy, providers, trust and these roles');
  set.option('--developer <group...>', 'agents work for them; they see their own sessions');
  set.option('--approver <group...>', 'decide what waits here');
  set.option('--auditor <group...>', 'see everybody’s sessions, and are logged when they do');
  set.action(({ admin = [], developer = [], approver = [], auditor = [] }: SetOptions) =>
    put(cli, { developer, approver, auditor, admin }),
  );
  roles
    .command('clear')
    .description('ask for no groups any more: whoever works here has every role; takes the PIN')
    .action(() => put(cli, null));
}

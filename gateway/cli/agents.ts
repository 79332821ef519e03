import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Change, installHooks, uninstallHooks } from '../agents/install/install.ts';
import type { AgentInstaller, Level, Where } from '../agents/installer.ts';
import { installers } from '../agents/installers.ts';
import { CountersignError } from '../contract/errors.ts';
import { AgentName } from '../contract/hooks.ts';
import { type Cli, table } from './cli.ts';
import { homeFolder } from './home.ts';
import { visibleLine } from './terminal/visible.ts';

export interface InstallOptions extends LevelOptions {
  /** False with --no-terminal. */
  terminal?: boolean;
}

export interface LevelOptions {
  user?: boolean;
  project?: string | boolean;
  managed?: boolean;
  enterprise?: boolean;
}

/** The developer's folders, as the agent will see them. */
export function whereOf(cli: Cli, { project }: LevelOptions): Where {
  return {
    home: cli.env.HOME ?? cli.env.USERPROFILE ?? homedir(),
    project: resolve(typeof project === 'string' ? project : '.'),
    platform: process.platform,
  };
}

/** Throws USAGE. */
export function levelOf({ user, project, managed, enterprise }: LevelOptions): Level {
  const given: Level[] = [];
  if (user) given.push('user');
  if (project !== undefined) given.push('project');
  if (managed || enterprise) given.push('managed');
  if (given.length > 1) throw new CountersignError('USAGE', 'name one of --user, --project and --managed');
  return given[0] ?? 'user';
}

/** The gateway's home for the installed command; null where it is found without. */
export function homeForHooks(cli: Cli, level: Level): string | null {
  if (level === 'managed') return null;
  const home = cli.home();
  const { COUNTERSIGN_HOME: _, ...env } = cli.env;
  return home === homeFolder(undefined, env) ? null : home;
}

function fileOf(installer: AgentInstaller, level: Level, where: Where): string {
  const file = installer.file(level, where);
  if (file === null) {
    throw new CountersignError('USAGE', `${installer.title} has no file of that level that can be written; use --user`);
  }
  return file;
}

const DONE: Readonly<Record<Change['done'], string>> = {
  made: 'Made',
  changed: 'Changed',
  removed: 'Removed',
  unchanged: 'Nothing to change in',
};

function tell(cli: Cli, { file, done, backup }: Change): void {
  cli.out(`${DONE[done]} ${visibleLine(file)}`);
  if (backup !== null) cli.note(`What it was before is in ${visibleLine(backup)}`);
}

export async function installAgent(cli: Cli, name: AgentName, options: InstallOptions): Promise<void> {
  const installer = installers[name];
  const level = levelOf(options);
  tell(
    cli,
    installHooks(
      fileOf(installer, level, whereOf(cli, options)),
      installer.hooks(homeForHooks(cli, level), options.terminal === false),
    ),
  );
  if (installer.note !== null) cli.note(installer.note);
}

export async function uninstallAgent(cli: Cli, name: AgentName, options: LevelOptions): Promise<void> {
  const installer = installers[name];
  const level = levelOf(options);
  tell(cli, uninstallHooks(fileOf(installer, level, whereOf(cli, options)), installer.hooks(null)));
}

/** Throws USAGE. */
function known(name: string): AgentName {
  const found = AgentName.safeParse(name);
  if (found.success) return found.data;
  throw new CountersignError('USAGE', `there is no agent "${name}"; there are: ${AgentName.options.join(', ')}`);
}

export function withLevels(command: Command): Command {
  return command
    .option('--user', 'for every project of this user (the default)')
    .option('--project [folder]', 'for one project: its root, or the current folder')
    .option('--managed', 'for every user of this machine; takes an administrator');
}

export function withTerminal(command: Command): Command {
  return command.option('--no-terminal', 'let allowed commands run as they are, not in a recorded terminal');
}

export function registerAgents(program: Command, cli: Cli): void {
  const agents = program.command('agents').description('coding agents whose hooks ask Countersign');
  agents
    .command('list')
    .description('agents that can be installed, and where their hooks go')
    .action(() => {
      const where = whereOf(cli, {});
      const rows = Object.values(installers).map((one) => [one.name, one.title, one.file('user', where) ?? '']);
      for (const line of table([['Name', 'Agent', 'File'], ...rows])) cli.out(line);
    });
  withTerminal(
    withLevels(agents.command('install <name>').description('let an agent ask Countersign before it acts')),
  ).action((name: string, options: InstallOptions) => installAgent(cli, known(name), options));
  withLevels(agents.command('uninstall <name>').description('take the hooks out again')).action(
    (name: string, options: LevelOptions) => uninstallAgent(cli, known(name), options),
  );
}

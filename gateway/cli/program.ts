import { Command } from 'commander';
import type { Cli } from './cli.ts';
import { ranExec, registerExec } from './exec.ts';
import { tellFailure } from './failure.ts';
import { version } from './version.ts';

export interface GlobalOptions {
  home?: string;
  debug?: boolean;
}

interface CommandFile {
  /** What it registers, so that no other file is loaded for one of these. */
  names: readonly string[];
  register(program: Command, cli: Cli): Promise<void> | void;
}

/** In the order in which help lists them. */
const FILES: readonly CommandFile[] = [
  { names: ['start'], register: async (program, cli) => (await import('./start.ts')).registerStart(program, cli) },
  {
    names: ['connect', 'revoke'],
    register: async (program, cli) => (await import('./connect.ts')).registerConnect(program, cli),
  },
  { names: ['exec', 'shell'], register: (program) => registerExec(program) },
  {
    names: ['approvals'],
    register: async (program, cli) => (await import('./approvals.ts')).registerApprovals(program, cli),
  },
  { names: ['grants'], register: async (program, cli) => (await import('./grants.ts')).registerGrants(program, cli) },
  {
    names: ['pause', 'panic', 'resume'],
    register: async (program, cli) => (await import('./halt.ts')).registerHalt(program, cli),
  },
  {
    names: ['sessions'],
    register: async (program, cli) => {
      const [{ registerSessionCommands }, { sessionDeps }] = await Promise.all([
        import('./sessions.ts'),
        import('./sessions-deps.ts'),
      ]);
      registerSessionCommands(program, cli, sessionDeps(cli));
    },
  },
  {
    names: ['connections'],
    register: async (program, cli) => (await import('./connections.ts')).registerConnections(program, cli),
  },
  {
    names: ['alerts'],
    register: async (program, cli) => {
      const [{ registerAlerts }, { sessionDeps }] = await Promise.all([
        import('./alerts.ts'),
        import('./sessions-deps.ts'),
      ]);
      registerAlerts(program, cli, sessionDeps(cli));
    },
  },
  { names: ['siem'], register: async (program, cli) => (await import('./siem.ts')).registerSiem(program, cli) },
  { names: ['admin'], register: async (program, cli) => (await import('./admin.ts')).registerAdmin(program, cli) },
  {
    names: ['emergency'],
    register: async (program, cli) => (await import('./emergency.ts')).registerEmergency(program, cli),
  },
  { names: ['agents'], register: async (program, cli) => (await import('./agents.ts')).registerAgents(program, cli) },
  { names: ['cursor'], register: async (program, cli) => (await import('./cursor.ts')).registerCursor(program, cli) },
  { names: ['hook'], register: async (program, cli) => (await import('./hook.ts')).registerHook(program, cli) },
  { names: ['vault'], register: async (program, cli) => (await import('./vault.ts')).registerVault(program, cli) },
  {
    names: ['login', 'logout', 'whoami', 'identity'],
    register: async (program, cli) => (await import('./identity.ts')).registerIdentity(program, cli),
  },
  { names: ['roles'], register: async (program, cli) => (await import('./roles.ts')).registerRoles(program, cli) },
  {
    names: ['mailbox'],
    register: async (program, cli) => (await import('./mailbox.ts')).registerMailbox(program, cli),
  },
  { names: ['mcp'], register: async (program, cli) => (await import('./mcp.ts')).registerMcp(program, cli) },
  {
    names: ['mcp-server'],
    register: async (program, cli) => (await import('./mcp-server.ts')).registerMcpServer(program, cli),
  },
  {
    names: ['passkey'],
    register: async (program, cli) => (await import('./passkey.ts')).registerPasskey(program, cli),
  },
  { names: ['pin'], register: async (program, cli) => (await import('./pin.ts')).registerPin(program, cli) },
  {
    names: ['policy'],
    register: async (program, cli) => (await import('./policy.ts')).registerPolicyCommands(program, cli),
  },
  { names: ['code'], register: async (program, cli) => (await import('./code.ts')).registerCode(program, cli) },
  {
    names: ['protect'],
    register: async (program, cli) => (await import('./protect.ts')).registerProtect(program, cli),
  },
  { names: ['audit'], register: async (program, cli) => (await import('./audit.ts')).registerAudit(program, cli) },
  { names: ['status'], register: async (program, cli) => (await import('./status.ts')).registerStatus(program, cli) },
  {
    names: ['sentinel'],
    register: async (program, cli) => (await import('./sentinel.ts')).registerSentinel(program, cli),
  },
  { names: ['sync'], register: async (program, cli) => (await import('./sync.ts')).registerSync(program, cli) },
  { names: ['trust'], register: async (program, cli) => (await import('./trust.ts')).registerTrust(program, cli) },
  { names: ['device'], register: async (program, cli) => (await import('./device.ts')).registerDevice(program, cli) },
  {
    names: ['witness'],
    register: async (program, cli) => (await import('./witness.ts')).registerWitness(program, cli),
  },
  { names: ['where'], register: async (program, cli) => (await import('./where.ts')).registerWhere(program, cli) },
  {
    names: ['demo'],
    register: async (program, cli) => {
      const { registerDemo } = await import('./demo.ts');
      registerDemo(program, cli, async (args) => runProgram(await createProgram(cli, args), args, cli));
    },
  },
];

/** The command's name: the first word that is neither an option of the program nor the folder of --home. */
function nameIn(args: readonly string[]): string | undefined {
  return args.find((word, at) => !word.startsWith('-') && args[at - 1] !== '--home');
}

/**
 * The command `countersign`; each command is registered by its own file, and only those files are loaded that
 * register the one in `args`, since all of them are half of the program. Where `args` has none, all are.
 */
export async function createProgram(cli: Cli, args: readonly string[]): Promise<Command> {
  const program = new Command('countersign')
    .description('A local gateway between an AI coding agent and real systems')
    .version(version())
    .option('--home <folder>', 'where the gateway keeps what is its own ($COUNTERSIGN_HOME)')
    .option('--debug', 'say where it went wrong when it does')
    .showHelpAfterError('(countersign --help lists the commands)')
    .configureOutput({ writeOut: (text) => cli.out(text.trimEnd()), writeErr: (text) => cli.note(text.trimEnd()) })
    .exitOverride();
  const name = nameIn(args);
  const wanted = FILES.filter(({ names }) => name !== undefined && names.includes(name));
  for (const { register } of wanted.length === 0 ? FILES : wanted) await register(program, cli);
  program
    .command('version')
    .description('the version of this program')
    .action(() => cli.out(version()));
  return program;
}

/** @param args what follows the program's name. @returns the exit code, unless a command gave one by `exitWith`. */
export async function runProgram(program: Command, args: readonly string[], cli: Cli): Promise<number> {
  try {
    if (await ranExec(args, cli)) return 0;
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    return tellFailure(error, program.opts<GlobalOptions>().debug ?? false, cli.note);
  }
}

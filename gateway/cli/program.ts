import { Command } from 'commander';
import { registerAgents } from './agents.ts';
import { registerAlerts } from './alerts.ts';
import { registerApprovals } from './approvals.ts';
import { registerAudit } from './audit.ts';
import type { Cli } from './cli.ts';
import { registerCode } from './code.ts';
import { registerConnect } from './connect.ts';
import { registerConnections } from './connections.ts';
import { registerCursor } from './cursor.ts';
import { registerDemo } from './demo.ts';
import { registerDevice } from './device.ts';
import { registerEmergency } from './emergency.ts';
import { ranExec, registerExec } from './exec.ts';
import { tellFailure } from './failure.ts';
import { registerGrants } from './grants.ts';
import { registerHalt } from './halt.ts';
import { registerHook } from './hook.ts';
import { registerIdentity } from './identity.ts';
import { registerMcp } from './mcp.ts';
import { registerMcpServer } from './mcp-server.ts';
import { registerPasskey } from './passkey.ts';
import { registerPin } from './pin.ts';
import { registerPolicyCommands } from './policy.ts';
import { registerProtect } from './protect.ts';
import { registerRoles } from './roles.ts';
import { registerSessionCommands } from './sessions.ts';
import { sessionDeps } from './sessions-deps.ts';
import { registerSiem } from './siem.ts';
import { registerStart } from './start.ts';
import { registerStatus } from './status.ts';
import { registerSync } from './sync.ts';
import { registerTrust } from './trust.ts';
import { registerVault } from './vault.ts';
import { version } from './version.ts';
import { registerWhere } from './where.ts';
import { registerWitness } from './witness.ts';

export interface GlobalOptions {
  home?: string;
  debug?: boolean;
}

/** The command `countersign`; each command is registered by its own file. */
export function createProgram(cli: Cli): Command {
  const program = new Command('countersign')
    .description('A local gateway between an AI coding agent and real systems')
    .version(version())
    .option('--home <folder>', 'where the gateway keeps what is its own ($COUNTERSIGN_HOME)')
    .option('--debug', 'say where it went wrong when it does')
    .showHelpAfterError('(countersign --help lists the commands)')
    .configureOutput({ writeOut: (text) => cli.out(text.trimEnd()), writeErr: (text) => cli.note(text.trimEnd()) })
    .exitOverride();
  registerStart(program, cli);
  registerConnect(program, cli);
  registerExec(program);
  registerApprovals(program, cli);
  registerGrants(program, cli);
  registerHalt(program, cli);
  registerSessionCommands(program, cli, sessionDeps(cli));
  registerConnections(program, cli);
  registerAlerts(program, cli, sessionDeps(cli));
  registerSiem(program, cli);
  registerAgents(program, cli);
  registerCursor(program, cli);
  registerHook(program, cli);
  registerVault(program, cli);
  registerIdentity(program, cli);
  registerRoles(program, cli);
  registerEmergency(program, cli);
  registerMcp(program, cli);
  registerMcpServer(program, cli);
  registerPasskey(program, cli);
  registerPin(program, cli);
  registerPolicyCommands(program, cli);
  registerCode(program, cli);
  registerProtect(program, cli);
  registerAudit(program, cli);
  registerStatus(program, cli);
  registerSync(program, cli);
  registerTrust(program, cli);
  registerDevice(program, cli);
  registerWitness(program, cli);
  registerWhere(program, cli);
  registerDemo(program, cli, (args) => runProgram(createProgram(cli), args, cli));
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

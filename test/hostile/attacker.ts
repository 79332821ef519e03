import { writeFileSync } from 'node:fs';
import type { AttackId } from './attacks.ts';
import * as control from './attempts-control.ts';
import * as files from './attempts-files.ts';
import * as own from './attempts-process.ts';
import { type Attempt, hear, type Target } from './tools.ts';

/**
 * The hostile process: `attacker.ts ATTEMPT [FILE]`, with the target as one line of JSON on standard input.
 * It tries one thing and says in one line of JSON, on standard output or in the file, whether it worked.
 */
const ATTEMPTS: Record<AttackId, (target: Target) => Attempt | Promise<Attempt>> = {
  'routes-loopback': control.routesLoopback,
  'routes-socket': control.routesSocket,
  'routes-evidence': control.routesEvidence,
  detached: control.detached,
  'systemd-run': control.systemdRun,
  'guess-pin': control.guessPin,
  'guess-code': control.guessCode,
  'replay-decision': control.replayDecision,
  'race-decision': control.raceDecision,
  'root-socket': control.rootSocket,
  'direct-database': own.directDatabase,
  'read-secrets': own.readSecrets,
  'read-memory': own.readMemory,
  debugger: own.attachDebugger,
  'crack-pin': files.crackPin,
  'replace-pin': files.replacePin,
  'take-socket': own.takeSocket,
  'replace-program': files.replaceProgram,
  'edit-policy': files.editPolicy,
  'forge-policy': files.forgePolicy,
  'edit-connections': files.editConnections,
  'edit-watch': files.editWatch,
  'read-evidence': files.readEvidence,
  'edit-device-log': files.editDeviceLog,
  'forge-token': files.forgeToken,
  'edit-recording': files.editRecording,
  'delete-recording': files.deleteRecording,
  'edit-index': files.editIndex,
  kill: own.kill,
  'browser-profile': own.browserProfile,
  'cookie-alone': control.cookieAlone,
  'stolen-session': control.stolenSession,
  'stolen-session-pin': control.stolenSessionPin,
  'synthetic-input': own.syntheticInput,
  'mint-token': control.mintToken,
  'read-sessions': control.readSessions,
  'deny-service': control.denyService,
};

const [id, file] = process.argv.slice(2);
const target = JSON.parse(await hear()) as Target;
const attempt = await ATTEMPTS[id as AttackId](target);
const line = `${JSON.stringify(attempt)}\n`;
if (file !== undefined) writeFileSync(file, line);
else process.stdout.write(line);
process.exit(0);

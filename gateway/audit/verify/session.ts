import * as fs from 'node:fs';
import { join } from 'node:path';
import type { DeviceKeys } from '../../evidence/trust/device-keys.ts';
import type { Trust } from '../../evidence/trust/verify-trust.ts';
import { verifySession } from '../../recording/verify.ts';
import type { BookedSession, Books } from '../books.ts';
import type { Workspace } from '../workspace.ts';
import { headOver } from './checkpoints.ts';
import type { VerifiedLog } from './device-log.ts';
import { loggedSession, type SessionInLog } from './log-story.ts';
import { type AuditCheck, holds, type SessionReport } from './report.ts';
import { checkFacts } from './session-facts.ts';
import { checkParts } from './session-parts.ts';

/** How long after its closing the last parts of a session may be on their way. */
const ON_ITS_WAY_MS = 24 * 3_600_000;

/** One session: its objects, its recording, and both against the device's log. Damage is reported, never thrown. */
export async function verifyAuditSession(
  workspace: Workspace,
  books: Books,
  trust: Trust,
  log: VerifiedLog,
  booked: BookedSession | null,
  named: SessionInLog | null,
  now: number,
): Promise<SessionReport> {
  const sid = booked?.sid ?? named!.sid;
  const report = { sid, device: booked?.device ?? '', ordinal: named?.ordinal ?? null, brokenExchanges: [] };
  if (booked === null) return { ...report, ...absent(named!, now) };
  const folder = join(workspace.recordingsDir, booked.folder);
  const parts = checkParts(workspace, books, booked);
  if (!fs.existsSync(join(folder, 'open.json'))) {
    const sentence =
      parts.unread > 0
        ? 'Nothing of the session can be read with the keys that are here.'
        : 'The beginning of the session is missing, so it cannot be viewed.';
    const checks = [
      ...parts.checks,
      { name: 'recording', status: parts.unread > 0 ? 'not-checked' : 'failed', sentence } as AuditCheck,
    ];
    return { ...report, state: 'unreadable', ok: holds(checks), checks };
  }
  const checks: AuditCheck[] = [...inLog(log, named), ...parts.checks];
  const pending = !parts.complete && isOnItsWay(named, now);
  if (pending)
    checks.push({
      name: 'last parts',
      status: 'not-checked',
      sentence: 'The session has ended, and its last parts have not arrived yet.',
    });
  else if (!parts.complete && parts.unread === 0 && named?.closed != null) {
    checks.push({
      name: 'last parts',
      status: 'failed',
      sentence: 'The session has ended, and not all of its parts are here.',
    });
  }
  const whole = named === null ? null : loggedSession(named);
  // What has not arrived is no trimming yet; the heads before it still count.
  const logged = whole === null ? null : pending || parts.unread > 0 ? { ...whole, heads: [], closed: null } : whole;
  const verification = await verifySession(folder, logged === null ? {} : { logged });
  checks.push(...verification.checks);
  if (verification.sessionId !== sid) {
    checks.push({
      name: 'open event',
      status: 'failed',
      sentence: `The recording is of session ${verification.sessionId}.`,
    });
  }
  const evidence = named === null ? null : (headOver(log.heads, named.opened)?.evidence ?? null);
  checks.push(...(await facts(folder, trust, log.keys, evidence)));
  const { state, brokenExchanges } = verification;
  return { ...report, state, ok: holds(checks), checks, brokenExchanges };
}

async function facts(folder: string, trust: Trust, keys: DeviceKeys, evidence: string | null): Promise<AuditCheck[]> {
  try {
    return await checkFacts(folder, trust, keys, evidence);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [{ name: 'content', status: 'failed', sentence: `What the session says cannot be read to its end: ${why}` }];
  }
}

const isOnItsWay = (named: SessionInLog | null, now: number): boolean =>
  named?.closed != null && now - Date.parse(named.closed.t) < ON_ITS_WAY_MS;

function inLog(log: VerifiedLog, named: SessionInLog | null): AuditCheck[] {
  const name = 'device log';
  if (named === null) {
    if (log.entries === 0)
      return [
        {
          name,
          status: 'not-checked',
          sentence: 'No log of its device came here, so who made it rests on the recording itself.',
        },
      ];
    return [{ name, status: 'failed', sentence: "The device's log names no such session." }];
  }
  if (named.opened >= log.covered) {
    return [
      {
        name,
        status: 'failed',
        sentence: `The device's log names it in entry ${named.opened}, which no head that counts covers.`,
      },
    ];
  }
  const checks: AuditCheck[] = [
    {
      name,
      status: 'ok',
      sentence: `${named.ordinal === null ? 'It was' : `It is session ${named.ordinal} of its device,`} opened in entry ${named.opened} of the device's log.`,
    },
  ];
  const omitted = named.omitted.map(({ count, what, rule }) => `${count} ${what} (${rule})`);
  if (omitted.length > 0)
    checks.push({
      name: 'omissions',
      status: 'ok',
      sentence: `Left out on the device by rule: ${omitted.join(', ')}.`,
    });
  return checks;
}

/** A session that the log names and of which nothing came. */
function absent(named: SessionInLog, now: number): Pick<SessionReport, 'state' | 'ok' | 'checks'> & { device: string } {
  const which =
    named.ordinal === null ? named.sid : `${named.ordinal} of the device (${named.sid}, opened ${named.openedAt})`;
  const what = `Session ${which}`;
  const say = (state: SessionReport['state'], status: AuditCheck['status'], sentence: string) => ({
    device: '',
    state,
    ok: status !== 'failed',
    checks: [{ name: 'objects', status, sentence }],
  });
  if (named.sync === 'local')
    return say('kept-local', 'not-checked', `${what} stays on the device by rule, as its log says.`);
  if (named.removed !== null && !named.removed.synced) {
    return say(
      'removed',
      'failed',
      `${what} was removed from the device before it was synced: ${named.removed.why} (${named.removed.rule}, by ${named.removed.by}).`,
    );
  }
  const recent = named.closed === null ? now - Date.parse(named.openedAt) < ON_ITS_WAY_MS : isOnItsWay(named, now);
  return recent
    ? say('missing', 'not-checked', `${what} has not arrived yet.`)
    : say('missing', 'failed', `${what} is missing its objects.`);
}

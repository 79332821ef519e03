import * as fs from 'node:fs';
import type { Trust } from '../../evidence/trust/verify-trust.ts';
import type { Books } from '../books.ts';
import { baseName, parseObjectName } from '../object-names.ts';
import type { Workspace } from '../workspace.ts';
import { rememberedHead } from './checkpoints.ts';
import { type VerifiedLog, verifyDeviceLog } from './device-log.ts';
import { proofStory } from './proof-story.ts';
import {
  type AuditCheck,
  type AuditReport,
  checkOf,
  type DeviceReport,
  holds,
  plural,
  type SessionReport,
} from './report.ts';
import { verifyAuditSession } from './session.ts';
import { verifyTrustNotes } from './trust.ts';

export interface AuditVerifyOptions {
  /** Only this device, only this session: what is said of trust notes and logs stays the same. */
  device?: string;
  session?: string;
  progress?: (done: { device: string; sessions: number; of: number }) => void;
  signal?: AbortSignal;
  now?: () => number;
}

/**
 * Checks everything that was imported, from nothing but the root's key in the workspace's settings. The head of
 * each device that holds is remembered, so that a later one has to be its continuation.
 */
export async function verifyWorkspace(
  workspace: Workspace,
  books: Books,
  options: AuditVerifyOptions = {},
): Promise<AuditReport> {
  const { now = Date.now } = options;
  const at = new Date(now()).toISOString();
  const { org, root } = workspace.settings;
  const { trust, check } = verifyTrustNotes(workspace, books, at);
  const devices: DeviceReport[] = [];
  const heads = workspace.heads();
  for (const device of devicesOf(workspace, books)) {
    if (options.device !== undefined && options.device !== device) continue;
    if (options.signal?.aborted) break;
    const log = await verifyDeviceLog(workspace, books, trust, device);
    const newest = log.heads.at(-1);
    if (newest !== undefined && newest.checkpoint.size >= (heads[device]?.size ?? 0) && log.entries > 0) {
      heads[device] = rememberedHead(newest, at);
    }
    devices.push(await deviceReport(workspace, books, trust, device, log, options));
  }
  workspace.putHeads(heads);
  const strange = strangeSessions(books, devices, options);
  const checks = [check, ...storeChecks(books, org), ...strange];
  const sessions = devices.flatMap((device) => device.sessions);
  const counts = {
    devices: devices.length,
    sessions: sessions.length,
    verified: sessions.filter(
      ({ ok, state }) => ok && state !== 'missing' && state !== 'kept-local' && state !== 'unreadable',
    ).length,
    failed: sessions.filter(({ ok }) => !ok).length,
    missing: sessions.filter(({ state }) => state === 'missing').length,
  };
  const ok = holds(checks) && devices.every((device) => device.ok);
  return { org, root, at, ok, checks, devices, counts };
}

function devicesOf(workspace: Workspace, books: Books): string[] {
  const folder = workspace.kept(workspace.settings.org);
  const kept = (fs.existsSync(folder) ? fs.readdirSync(folder) : []).filter((name) => /^[0-9A-Z]{26}$/.test(name));
  return [...new Set([...kept, ...books.sessions().map(({ device }) => device)])]
    .filter((device) => device !== '')
    .sort();
}

async function deviceReport(
  workspace: Workspace,
  books: Books,
  trust: Trust,
  device: string,
  log: VerifiedLog,
  options: AuditVerifyOptions,
): Promise<DeviceReport> {
  const { story } = log;
  const booked = new Map(books.sessions(device).map((session) => [session.sid, session]));
  const proven = log.entries === 0 ? proofStory(workspace, device, log.heads) : null;
  const named = proven?.sessions ?? story.sessions;
  const sids = [...new Set([...named.keys(), ...booked.keys()])].sort(
    (a, b) => (named.get(a)?.ordinal ?? 0) - (named.get(b)?.ordinal ?? 0) || (a < b ? -1 : 1),
  );
  const wanted = sids.filter((sid) => options.session === undefined || sid === options.session);
  const sessions: SessionReport[] = [];
  const view = proven === null ? log : { ...log, covered: Number.POSITIVE_INFINITY };
  for (const sid of wanted) {
    if (options.signal?.aborted) break;
    const report = await verifyAuditSession(
      workspace,
      books,
      trust,
      view,
      booked.get(sid) ?? null,
      named.get(sid) ?? null,
      (options.now ?? Date.now)(),
    );
    sessions.push({ ...report, device });
    options.progress?.({ device, sessions: sessions.length, of: wanted.length });
  }
  const checks = [
    ...log.checks,
    ...(proven === null
      ? []
      : [
          checkOf(
            'proofs',
            proven.problems,
            `${plural(proven.sessions.size, 'session')} came with a proof that the log holds them.`,
          ),
        ]),
    ...(options.session === undefined && proven === null ? [completeness(sessions)] : []),
    heartbeats(log),
    gaps(log),
  ];
  return {
    device,
    name: story.device?.name ?? null,
    account: story.device?.account ?? null,
    entries: log.entries,
    head: log.heads.at(-1)?.checkpoint.size ?? null,
    ok: holds(checks) && sessions.every(({ ok }) => ok),
    checks,
    gaps: story.gaps,
    silences: story.silences,
    sessions,
  };
}

/** "Sessions 1 to 212 are present, 187 is missing its objects." */
function completeness(sessions: readonly SessionReport[]): AuditCheck {
  const name = 'completeness';
  const named = sessions.filter(({ ordinal }) => ordinal !== null);
  if (named.length === 0) return { name, status: 'ok', sentence: 'The log names no session yet.' };
  const gone = named.filter(({ state }) => state === 'missing' || state === 'removed');
  const list = gone.map(({ ordinal }) => ordinal).join(', ');
  const range = named.length === 1 ? 'Session 1 of the device is' : `Sessions 1 to ${named.length} of the device are`;
  if (gone.length === 0) return { name, status: 'ok', sentence: `${range} present.` };
  const failed = gone.some(({ ok }) => !ok);
  const what = gone.length === 1 ? `${list} is missing its objects` : `${list} are missing their objects`;
  return {
    name,
    status: failed ? 'failed' : 'not-checked',
    sentence: `${range} present, but ${what}.`,
  };
}

function heartbeats({ story, entries }: VerifiedLog): AuditCheck {
  const name = 'heartbeats';
  if (entries === 0) return { name, status: 'not-checked', sentence: 'The log itself is not here.' };
  const silent = story.silences.map(
    ({ from, until, minutes }) =>
      `the recorder was silent for ${plural(minutes, 'minute')}, from ${from} to ${until}, and says nothing of why`,
  );
  return checkOf(
    name,
    silent,
    `An entry came each hour while the gateway ran; ${plural(story.heartbeats, 'heartbeat')}.`,
  );
}

function gaps({ story }: VerifiedLog): AuditCheck {
  const list = story.gaps.slice(-5).map(gapWords);
  const sentence =
    story.gaps.length === 0
      ? 'The log tells of no gap.'
      : `The log tells of ${plural(story.gaps.length, 'gap')}: ${list.join(', ')}.`;
  return { name: 'gaps', status: 'ok', sentence };
}

function gapWords({ kind, from, until, minutes }: VerifiedLog['story']['gaps'][number]): string {
  if (until === '') return `${kind} from ${from} on`;
  return `${kind} ${from} to ${until} (${minutes === 0 ? 'less than a minute' : plural(minutes, 'minute')})`;
}

/** Objects that are of no device's log, and what is not as it was. */
function storeChecks(books: Books, org: string): AuditCheck[] {
  const gone = books.vanished().filter(({ name }) => /\/sessions\//.test(name));
  const unread = books.byState('unread').length;
  const torn = books
    .byState('torso')
    .filter(({ name }) => !name.includes('/part-') && books.firstSeen(baseName(name)) === null)
    .map(({ name, detail }) => `${name.replace(`${org}/`, '')}: ${detail.replace(/\.$/, '')}`);
  const refused = books.byState('refused').map(({ name, detail }) => `${name.replace(`${org}/`, '')}: ${detail}`);
  const checks = [
    checkOf(
      'store',
      gone.map(({ name }) => `the store has lost ${name}, which it had on an earlier import (it is still here)`),
      'What was imported before is still in its store.',
    ),
  ];
  const claims = books.byState(['changed', 'torso']).flatMap(({ name, detail }) => {
    const kind = parseObjectName(name);
    const session = kind?.kind === 'part' ? books.session(kind.sid) : null;
    return session === null || name.startsWith(`${org}/${session.device}/${session.folder}/`)
      ? []
      : [`${name}: ${detail.replace(/\.$/, '')}`];
  });
  if (claims.length > 0) checks.push(checkOf('claims', claims, ''));
  if (torn.length > 0) checks.push(checkOf('torn', torn, ''));
  if (refused.length > 0) checks.push(checkOf('refused', refused, ''));
  if (unread > 0) {
    checks.push({
      name: 'unread',
      status: 'not-checked',
      sentence: `${plural(unread, 'object')} cannot be read with the keys that are here; they are kept as they came.`,
    });
  }
  return checks;
}

/** Sessions of bundles without anything that says whose they are. */
function strangeSessions(books: Books, devices: readonly DeviceReport[], options: AuditVerifyOptions): AuditCheck[] {
  if (options.device !== undefined || options.session !== undefined) return [];
  const told = new Set(devices.flatMap(({ sessions }) => sessions.map(({ sid }) => sid)));
  const without = books.sessions().filter(({ sid, device }) => device === '' && !told.has(sid));
  if (without.length === 0) return [];
  const sentence = `${plural(without.length, 'bundle')} came without proof of their device, so whose they are is not known: ${without
    .slice(0, 5)
    .map(({ sid }) => sid)
    .join(', ')}.`;
  return [{ name: 'bundles', status: 'not-checked', sentence }];
}

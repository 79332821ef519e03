import type { Verification } from '../../contract/session.ts';
import { findSession, readOpen } from '../../recording/reader.ts';
import { type AuditReport, type DeviceReport, plural, type SessionReport } from '../verify/report.ts';
import type { Workspace } from '../workspace.ts';
import type { ReportCompleteness, ReportData } from './data.ts';
import type { ReportInputSession } from './gather.ts';

type Scope = ReportData['scope'];

/** Sessions that may be in a report, with what verification says. */
export interface ReportSource {
  sessions(scope: Scope): AsyncIterable<ReportInputSession>;
  completeness(scope: Scope): Promise<ReportCompleteness>;
}

/** What was imported into a workspace. @param verifyAll from the organisation's root; called once, when it is needed. */
export function workspaceReportSource(open: () => Workspace, verifyAll: () => Promise<AuditReport>): ReportSource {
  let verified: Promise<AuditReport> | null = null;
  const verify = () => {
    verified ??= verifyAll();
    return verified;
  };
  const devicesOf = async ({ devices }: Scope) =>
    (await verify()).devices.filter(({ device }) => devices.length === 0 || devices.includes(device));
  return {
    async *sessions(scope) {
      const { recordingsDir } = open();
      for (const { device, name, sessions } of await devicesOf(scope)) {
        for (const session of sessions) {
          const folder = await findSession(recordingsDir, session.sid);
          if (folder === null || !inScope(folder, scope)) continue;
          yield {
            folder,
            device: name === null ? device : `${name} (${device})`,
            verification: verificationOf(session),
          };
        }
      }
    },
    completeness: async (scope) => completenessOf(await verify(), await devicesOf(scope)),
  };
}

function inScope(folder: string, { since, until }: Scope): boolean {
  const openedAt = (readOpen(folder).info as { openedAt?: string }).openedAt ?? '';
  return (since === null || openedAt >= since) && (until === null || openedAt < until);
}

function verificationOf({ sid, ok, state, checks, brokenExchanges }: SessionReport): Verification {
  const known = state === 'closed' || state === 'incomplete' ? state : 'open';
  return { sessionId: sid, ok, state: known, checks, brokenExchanges };
}

/** The log names sessions of all times, so completeness is of the devices as a whole. */
function completenessOf(report: AuditReport, devices: readonly DeviceReport[]): ReportCompleteness {
  const rows = devices.map(deviceOf);
  const missing = rows.reduce((sum, { missing: list }) => sum + list.length, 0);
  const failed =
    devices.filter(({ ok }) => !ok).length + report.checks.filter(({ status }) => status === 'failed').length;
  const gaps = rows.reduce((sum, { gaps: list }) => sum + list.length, 0);
  const whole = `Every session that the logs of ${plural(devices.length, 'device')} name is present and was verified from the root of ${report.org}.`;
  const broken = [
    ...(missing > 0
      ? [`${plural(missing, 'session')} that a device’s log names ${missing === 1 ? 'is' : 'are'} missing`]
      : []),
    ...(failed > 0 ? [`${plural(failed, 'check')} of devices, logs or trust notes failed`] : []),
  ];
  const silence =
    gaps > 0 ? ` ${plural(gaps, 'gap')} in what the devices recorded ${gaps === 1 ? 'is' : 'are'} listed.` : '';
  return {
    status: broken.length > 0 ? 'incomplete' : devices.length === 0 ? 'not-checked' : 'complete',
    sentence:
      devices.length === 0
        ? 'No device’s log was imported.'
        : broken.length > 0
          ? `${broken.join('; ')}.${silence}`
          : `${whole}${silence}`,
    devices: rows,
  };
}

const MAX_LISTED = 1000;

function deviceOf({
  device,
  name,
  checks,
  gaps,
  silences,
  sessions,
}: DeviceReport): ReportCompleteness['devices'][number] {
  const missing = sessions.filter(({ state }) => state === 'missing' || state === 'unreadable');
  return {
    device,
    name: name ?? device,
    logged: sessions.length,
    present: sessions.length - missing.length,
    missing: missing
      .slice(0, MAX_LISTED)
      .map(({ sid, ordinal }) => (ordinal === null ? `session ${sid}` : `session ${ordinal} (${sid})`)),
    gaps: [
      ...gaps.map(({ from, until, kind, detail }) => ({ from, until, sentence: `${kind}: ${detail}`.slice(0, 500) })),
      ...silences.map(({ from, until, minutes }) => ({
        from,
        until,
        sentence: `nothing was recorded for ${plural(minutes, 'minute')}, without a word of the gateway`,
      })),
    ].slice(0, MAX_LISTED),
    checks: checks.slice(0, 100),
  };
}

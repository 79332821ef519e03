import type { Alert, AlertRuleView } from '../../../gateway/contract/alert.ts';
import type { DeviceView } from '../../../gateway/contract/device.ts';
import type { SiemStatus } from '../../../gateway/contract/siem.ts';
import type { SyncStatus } from '../../../gateway/contract/sync.ts';

const ago = (now: number, minutes: number) => new Date(now - minutes * 60_000).toISOString();

export function device(now: number, enrolled: boolean): DeviceView {
  return {
    id: '01JAAAAAAAAAAAAAAAAAAAAAAA',
    org: enrolled ? 'acme' : null,
    size: enrolled ? 1482 : 2,
    checkpointAt: enrolled ? ago(now, 12) : null,
    problem: null,
    warning: enrolled ? 'The witness witness.example saw another log before: somebody has to look into it.' : null,
    name: 'laptop-117',
    account: 'alice',
    asked: null,
    enrolledBy: enrolled ? 'countersign/authority/berlin' : null,
    key: { store: enrolled ? 'keyring' : 'file', since: ago(now, 9000) },
    witnesses: [],
    gaps: enrolled
      ? {
          last: [
            { kind: 'observe', from: ago(now, 30), until: '', detail: 'legacy\u202e' },
            { kind: 'sync-overdue', from: ago(now, 500), until: ago(now, 400), detail: '26 hours' },
            { kind: 'stopped', from: ago(now, 3000), until: ago(now, 2000), detail: '' },
          ],
          total: 5,
        }
      : { last: [], total: 0 },
  };
}

export function syncOff(): SyncStatus {
  return {
    state: 'off',
    target: null,
    organisation: null,
    encryption: { on: false, recipients: 0 },
    queue: { objects: 0, bytes: 0, sessions: 0 },
    oldestWaiting: null,
    behindSeconds: 0,
    rate: 0,
    confirmed: { objects: 0, bytes: 0, at: null },
    lastError: null,
    localSessions: 0,
    keeping: { prompts: 'all', thoughts: 'all', answers: 'all', files: 'all' },
    disk: { bytes: 120_000, budget: null },
    capabilities: null,
    findings: [],
  };
}

export function syncing(now: number): SyncStatus {
  return {
    ...syncOff(),
    state: 'failing',
    target: 'sftp evidence@store.acme.example:/evidence',
    organisation: 'acme',
    encryption: { on: true, recipients: 2 },
    queue: { objects: 14, bytes: 48_200_000, sessions: 9 },
    oldestWaiting: ago(now, 190),
    behindSeconds: 190 * 60,
    rate: 412_000,
    confirmed: { objects: 9120, bytes: 7_300_000_000, at: ago(now, 185) },
    lastError: { at: ago(now, 3), sentence: 'The store did not answer within 30 seconds; it is tried again in 40.' },
    localSessions: 3,
    keeping: { prompts: 'local', thoughts: 'omit', answers: 'all', files: 'all' },
    disk: { bytes: 2_100_000_000, budget: 20_000_000_000 },
    capabilities: {
      read: false,
      list: false,
      refusesOverwrite: true,
      keepsVersions: false,
      refusesDelete: true,
      sentences: ['Nothing can be read back: it is a drop box.', 'An object cannot be overwritten (tried).'],
    },
    findings: [
      { at: ago(now, 600), sentence: 'The store refused one object that was there already with other bytes.' },
    ],
  };
}

export function alert(now: number, index: number): Alert {
  const severity = (['critical', 'high', 'medium', 'low'] as const)[index % 4]!;
  return {
    id: `S000${index % 3}/${index}/many-denied`,
    rule: { id: 'many-denied', title: 'Many denied statements' },
    severity,
    sentence: `psql for alice was denied ${index + 5} destructive statements in ten minutes on demo.`,
    at: ago(now, index * 7),
    sessionId: `S000${index % 3}`,
    exchange: index,
    connectionId: 'demo',
    person: 'alice',
    agent: 'psql',
    count: index + 5,
    related: [],
    actions: ['notify'],
  };
}

export function alertRules(): AlertRuleView[] {
  return [
    {
      id: 'many-denied',
      title: 'Many denied statements',
      severity: 'high',
      when: 'statement.verdict == "denied"',
      how: 'more than 5 in 10 minutes',
      actions: ['notify'],
      enabled: true,
      source: 'shipped',
    },
  ];
}

export function siem(now: number): SiemStatus[] {
  const common = { hasSecret: false, dropped: 0, lastSentAt: ago(now, 1), nextTryAt: null };
  return [
    {
      ...common,
      destination: {
        id: 'soc',
        kind: 'syslog',
        host: 'syslog.acme.example',
        port: 6514,
        facility: 13,
        format: 'cef',
        statements: 'noteworthy',
        texts: false,
      },
      waiting: 0,
      waitingSince: null,
      sent: 8123,
      error: null,
    },
    {
      ...common,
      destination: {
        id: 'lake',
        kind: 'http',
        url: 'https://lake.acme.example/in',
        secretHeader: 'authorization',
        batch: 100,
        format: 'ocsf',
        statements: 'all',
        texts: false,
      },
      waiting: 240,
      waitingSince: ago(now, 20),
      sent: 12,
      dropped: 3,
      error: 'The endpoint answered with status 503; it is tried again.',
      nextTryAt: ago(now, -1),
    },
  ];
}

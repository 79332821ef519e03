import type { ReportData } from './data.ts';

/** A report with everything that can be in one, and texts that try things. */
export const HOSTILE = '<script>alert(1)</script>\u001b[31m\u202egnp.exe';

const session = (n: number): string => `01JTESTREPORT000000000000${n}`;
const evidence = {
  first: [
    { session: session(1), seq: 4, statement: 2 },
    { session: session(2), seq: 9, statement: null },
    { session: session(9), seq: null, statement: null },
  ],
  more: 17,
};
const check = (status: 'ok' | 'failed' | 'not-checked', name: string, sentence: string) => ({ status, name, sentence });

export function reportData(changes: Partial<ReportData> = {}): ReportData {
  const one: ReportData['sessions'][number] = {
    id: session(1),
    device: '01JDEVICE0000000000000001A',
    openedAt: '2026-03-04T05:06:07.000Z',
    closedAt: '2026-03-04T06:07:08.000Z',
    state: 'closed',
    person: 'Zoë Müßig-Łukasz',
    verifiedPerson: true,
    agent: 'cursor',
    connection: 'shop',
    database: 'shop',
    role: 'shop_app',
    mode: 'enforce',
    protection: 'protected',
    policyHash: 'ab'.repeat(32),
    statements: 1842,
    asked: 3,
    denied: 1,
    errors: 2,
    rows: 91_234,
    bytesUp: 120_400,
    bytesDown: 9_876_543,
    verified: true,
    checks: [
      check('ok', 'events', '212 events follow each other without a gap.'),
      check('ok', 'units', '4,102 units match the digests in the events.'),
      check('not-checked', 'given head', 'No head that had left the machine was given.'),
    ],
  };
  return {
    v: 1,
    title: 'Zugriffe von KI-Agenten auf Produktionsdaten, 1. Quartal',
    madeAt: '2026-04-01T08:00:00.000Z',
    madeBy: 'Jörg Größl',
    version: '0.1.0',
    scope: {
      sentence: 'Every session that was opened from 2026-01-01 00:00 until 2026-04-01 00:00 (UTC) on 2 devices.',
      since: '2026-01-01T00:00:00.000Z',
      until: '2026-04-01T00:00:00.000Z',
      devices: ['01JDEVICE0000000000000001A', '01JDEVICE0000000000000002B'],
    },
    method: ['Each recording was verified before it was read.', 'Figures were counted from the recordings themselves.'],
    notChecked: ['What a compromised recorder left out before it was hashed.'],
    completeness: {
      status: 'incomplete',
      sentence: 'Session 187 of device “Laptop 7” is named in its log and missing its objects.',
      devices: [
        {
          device: '01JDEVICE0000000000000001A',
          name: 'Laptop 7 (Zürich)',
          logged: 212,
          present: 211,
          missing: ['session 187 is missing its objects'],
          gaps: [
            {
              from: '2026-02-01T10:00:00.000Z',
              until: '2026-02-01T12:30:00.000Z',
              sentence: 'the gateway was stopped without a word',
            },
          ],
          checks: [
            check('ok', 'log', 'The log has 1,204 entries; all checkpoints are signed and consistent.'),
            check('failed', 'sessions', '1 of 212 is missing.'),
          ],
        },
        {
          device: '01JDEVICE0000000000000002B',
          name: '東京 ラップトップ 🚀',
          logged: 40,
          present: 40,
          missing: [],
          gaps: [],
          checks: [check('ok', 'log', 'The log has 311 entries.')],
        },
      ],
    },
    findings: [
      {
        id: 'completeness',
        severity: 'high',
        title: 'Evidence is missing',
        sentence: 'Session 187 of one device is missing.',
        evidence: { first: [], more: 0 },
      },
      {
        id: 'severe-unasked',
        severity: 'medium',
        title: 'Destructive or privileged statements that policy allowed without asking (19)',
        sentence:
          'Statements that destroy data, raise privileges, execute code or could not be understood ran without a person’s decision.',
        evidence,
      },
      {
        id: 'denied',
        severity: 'low',
        title: `Statements that policy denied ${HOSTILE}`,
        sentence: 'They did not reach the database.',
        evidence,
      },
      {
        id: 'redacted',
        severity: 'info',
        title: 'Sessions of which parts were taken out (1)',
        sentence: 'Their hashes remain.',
        evidence,
      },
    ],
    figures: [
      { id: 'f1', group: 'Totals', label: 'Sessions', value: 252, unit: 'count', evidence },
      { id: 'f2', group: 'Totals', label: 'Statements', value: 1_204_331, unit: 'count', evidence },
      { id: 'f3', group: 'Totals', label: 'Bytes returned', value: 98_700_000_000, unit: 'bytes', evidence },
      { id: 'f4', group: 'Statements by class', label: 'read', value: 1_100_000, unit: 'count', evidence },
      { id: 'f5', group: 'Statements by class', label: 'write', value: 104_000, unit: 'count', evidence },
      { id: 'f6', group: 'Statements by class', label: 'destructive', value: 331, unit: 'count', evidence },
      {
        id: 'f7',
        group: 'Sessions by person and agent',
        label: `東京 花子 by ${HOSTILE}`,
        value: 40,
        unit: 'count',
        evidence,
      },
      { id: 'f8', group: 'Masked values by type', label: 'EMAIL_ADDRESS', value: 88_120, unit: 'count', evidence },
    ],
    sessions: [
      one,
      {
        ...one,
        id: session(2),
        person: '花子 🚀',
        verifiedPerson: false,
        agent: HOSTILE,
        verified: false,
        state: 'incomplete',
        protection: 'unprotected',
        checks: [
          check('failed', 'units', 'the units of event 7 are damaged or missing.'),
          check('ok', 'events', '9 events follow each other.'),
        ],
      },
    ],
    statements: [
      {
        session: session(1),
        index: 2,
        seq: 4,
        at: '2026-03-04T05:10:00.000Z',
        op: 'DROP TABLE',
        class: 'destructive',
        verdict: 'asked-approved',
        decidedBy: 'Jörg Größl',
        objects: ['public.orders_2019', 'public.Straße'],
        rows: 0,
        sqlstate: null,
        text: `DROP TABLE orders_2019, "Straße"; -- ${HOSTILE}`,
      },
      {
        session: session(2),
        index: 7,
        seq: 9,
        at: '2026-03-05T05:10:00.000Z',
        op: 'GRANT',
        class: 'privilege',
        verdict: 'denied',
        decidedBy: null,
        objects: [],
        rows: 0,
        sqlstate: '42501',
        text: null,
      },
    ],
    statementsLeft: 312,
    ...changes,
  };
}

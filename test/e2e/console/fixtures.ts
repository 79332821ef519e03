import { createHash } from 'node:crypto';
import { Connection } from '../../../gateway/contract/connection.ts';
import type { Approval, Grant, SimilarApprovals } from '../../../gateway/contract/decision.ts';
import type { Effects, Operation, OperationClass, Parameter } from '../../../gateway/contract/operation.ts';
import type { ConnectionView } from '../../../gateway/contract/routes/connections.ts';
import type { PolicyView } from '../../../gateway/contract/routes/policy.ts';
import type { ResultPage, Session, Statement, Verification } from '../../../gateway/contract/session.ts';
import type { GatewayStatus } from '../../../gateway/contract/status.ts';
import type { DaySummary } from '../../../gateway/contract/summary.ts';

/** What the stub gateway starts with: a small company's week, and text that an attacker would write. */

export const PIN = '246810';
export const CODE = 'KITE-4711';
const minute = 60_000;
const iso = (ms: number) => new Date(ms).toISOString();
/** 64 hexadecimal digits that differ for different seeds; no real digest. */
const hash = (seed: string) => createHash('sha256').update(seed).digest('hex');

const alice = { subject: 'uid:1000', display: 'alice', kind: 'local' as const, verified: false, groups: [] };
const psql = {
  pid: 4242,
  name: 'psql',
  parents: [
    { pid: 4200, name: 'bash' },
    { pid: 4100, name: 'cursor-agent' },
    { pid: 1, name: 'systemd' },
  ],
};

function effects(part: Partial<Effects> & { class: OperationClass; ops: string[]; words: string[] }): Effects {
  return {
    flags: [],
    reads: [],
    writes: [],
    filtersOn: [],
    functions: [],
    fingerprint: hash(part.ops.join()).slice(0, 16),
    shape: '',
    ...part,
  };
}

interface ApprovalSeed {
  id: string;
  text: string;
  effects: Effects;
  parameters?: Parameter[];
  reason: string;
  policyId: string;
  level?: 'click' | 'pin' | 'passkey';
  grantable?: boolean;
  rows: number | null;
  preview?: Approval['preview'];
  seconds: number;
  agent?: Operation['agent'];
}

function approval(now: number, seed: ApprovalSeed): Approval {
  return {
    id: seed.id,
    state: 'waiting',
    operation: {
      sessionId: 'S0000',
      identity: alice,
      agent: seed.agent ?? psql,
      connectionId: 'demo',
      protocol: 'postgres',
      database: 'shop',
      role: 'app',
      searchPath: '"$user", public',
      text: seed.text,
      parameters: seed.parameters ?? [],
      transaction: 'idle',
      effects: seed.effects,
      digest: hash(seed.id + seed.text),
    },
    verdict: {
      effect: 'ask',
      policyIds: [seed.policyId],
      policyHash: hash('policy'),
      reason: seed.reason,
      level: seed.level ?? 'click',
      expiresSeconds: seed.seconds,
      grantable: seed.grantable ?? false,
    },
    estimatedRows: seed.rows,
    ...(seed.preview && { preview: seed.preview }),
    createdAt: iso(now - 4000),
    expiresAt: iso(now + seed.seconds * 1000),
    latestAt: iso(now + 11 * seed.seconds * 1000),
    decidedAt: null,
    decidedBy: null,
    channel: null,
    message: null,
    grantId: null,
  };
}

const orders = (columns: string[]) => ({ schema: 'public', name: 'orders', columns });

export function updateApproval(now: number, id = 'a-update'): Approval {
  return approval(now, {
    id,
    text: `-- correct the totals of the orders that were imported twice
UPDATE orders
   SET total = total / 2,
       note  = $2
 WHERE imported_at >= $1
   AND status = 'open';`,
    parameters: [
      { type: 1114, format: 'binary', value: Buffer.from([0, 2, 0xec, 0x1d, 0x2e, 0x1a, 0, 0]).toString('base64') },
      { type: 25, format: 'text', value: Buffer.from('halved: imported twice').toString('base64') },
    ],
    effects: effects({
      class: 'write',
      ops: ['UPDATE'],
      words: ['Changes total and note of some orders'],
      writes: [orders(['total', 'note'])],
      reads: [orders(['imported_at', 'status'])],
      shape: 'UPDATE orders SET total = total / $1, note = $2 WHERE imported_at >= $3 AND status = $4',
    }),
    reason: 'Changes to data in production are decided by a person.',
    policyId: 'ask-writes',
    grantable: true,
    rows: 1284,
    seconds: 540,
    preview: {
      kind: 'rows',
      state: 'done',
      basis: 'exact',
      at: iso(now - 3000),
      table: 'public.orders',
      rows: 1284,
      why: null,
      columns: ['id', 'total', 'note', 'status', 'email'],
      key: [0],
      sample: [
        {
          before: ['1041', '118.00', null, 'open', '[EMAIL_ADDRESS]'],
          after: ['1041', '59.00', 'halved: imported twice', 'open', '[EMAIL_ADDRESS]'],
        },
        {
          before: ['1042', '24.90', 'gift', 'open', '[EMAIL_ADDRESS]'],
          after: ['1042', '12.45', 'halved: imported twice', 'open', '[EMAIL_ADDRESS]'],
        },
      ],
      also: ['It also updates 12 rows of public.invoices, by a foreign key.'],
      undo: null,
    },
  });
}

export function deleteApproval(now: number, id = 'a-delete'): Approval {
  return approval(now, {
    id,
    text: 'DELETE FROM order_items;',
    effects: effects({
      class: 'destructive',
      ops: ['DELETE'],
      words: ['Deletes every row of order_items (no WHERE)', 'Cannot be undone from here'],
      flags: ['destructive', 'no-where'],
      writes: [{ schema: null, name: 'order_items', columns: ['*'] }],
      shape: 'DELETE FROM order_items',
    }),
    reason: 'Statements that destroy data need a PIN.',
    policyId: 'ask-destructive-pin',
    level: 'pin',
    rows: 48_210,
    seconds: 300,
    preview: {
      kind: 'rows',
      state: 'done',
      basis: 'estimate',
      at: iso(now - 3000),
      table: 'public.order_items',
      rows: 48_210,
      why: 'It would touch about 48210 rows, and above 10000 it is not run to look.',
      columns: [],
      key: [],
      sample: [],
      also: [],
      undo: null,
    },
  });
}

/** A right-to-left override, an escape sequence, a zero-width space, and names that look like others. */
export function hostileApproval(now: number, id = 'a-hostile'): Approval {
  return approval(now, {
    id,
    text: "SELECT '\u202e;resu ETELED' /* \u001b[2J\u001b[1;1Hnothing to see */ FROM cust\u200bomers -- \u0430ccounts\rSELECT 1",
    agent: { pid: 666, name: 'psql\u202e\n(safe)', parents: [{ pid: 665, name: 'node' }] },
    effects: effects({
      class: 'unknown',
      ops: ['SELECT'],
      words: ['Could not be understood, so a person decides'],
      flags: ['unknown'],
      reads: [{ schema: null, name: 'cust\u200bomers', columns: [] }],
      functions: ['pg_sleep'],
      shape: 'SELECT $1 FROM …',
    }),
    reason: 'What is not understood is asked.',
    policyId: 'ask-unknown',
    rows: null,
    seconds: 120,
  });
}

function ended(
  now: number,
  id: string,
  state: Approval['state'],
  minutesAgo: number,
  message: string | null,
): Approval {
  const at = iso(now - minutesAgo * minute);
  return {
    ...(state === 'expired' ? deleteApproval(now, id) : updateApproval(now, id)),
    state,
    createdAt: iso(now - (minutesAgo + 2) * minute),
    expiresAt: at,
    decidedAt: at,
    decidedBy: state === 'expired' ? null : 'alice',
    channel: state === 'expired' ? 'timeout' : 'console',
    message,
  };
}

export function approvals(now: number): Approval[] {
  return [
    updateApproval(now),
    deleteApproval(now),
    hostileApproval(now),
    ended(now, 'e-1', 'expired', 18, null),
    ended(now, 'e-2', 'denied', 31, 'Use the staging database for this, please.'),
    ended(now, 'e-3', 'approved', 44, null),
  ];
}

export function similar(asked: Approval, all: readonly Approval[]): SimilarApprovals {
  const items = all.filter(
    ({ id, state, operation }) =>
      id !== asked.id && state !== 'waiting' && operation.effects.fingerprint === asked.operation.effects.fingerprint,
  );
  const of = (state: Approval['state']) => items.filter((item) => item.state === state).length;
  return {
    counts: { approved: of('approved'), denied: of('denied'), expired: of('expired'), withdrawn: of('withdrawn') },
    items,
  };
}

/** @param day 0: nothing happened. */
export function summary(day: 0 | 1): DaySummary {
  return {
    verdicts: {
      allowed: 1284 * day,
      approved: 17 * day,
      deniedByPerson: 3 * day,
      expired: 2 * day,
      deniedByPolicy: 5 * day,
      observed: 40 * day,
    },
    operations: 1351 * day,
    errors: 12 * day,
    masked: 206 * day,
    sessions: 31 * day,
    more: false,
  };
}

export function grants(now: number): Grant[] {
  const grant = (id: string, part: Partial<Grant>): Grant => ({
    id,
    scope: 'minutes',
    reach: 'shape',
    exact: null,
    standing: false,
    sentence:
      'Statements of the shape “UPDATE orders SET status = $1 WHERE id = $2” on demo/shop as app, in any session, until 18:20',
    subject: 'uid:1000',
    connectionId: 'demo',
    within: ['shop', 'app', '"$user", public'],
    fingerprint: '00112233aabbccdd',
    effectsClass: 'write',
    sessionId: null,
    approvalId: 'e-3',
    policyHash: hash('policy'),
    createdAt: iso(now - 4 * minute),
    expiresAt: iso(now + 11 * minute),
    revokedAt: null,
    endedAt: null,
    uses: 7,
    decidedBy: 'alice',
    ...part,
  });
  return [
    grant('g-1', {}),
    grant('g-2', {
      scope: 'session',
      sessionId: 'S0000',
      uses: 0,
      sentence:
        'Statements of the shape “INSERT INTO audit_notes VALUES ($1, $2)” on demo/shop as app, in this session, until 18:20',
      expiresAt: iso(now + 410 * minute),
    }),
    grant('g-5', {
      reach: 'exact',
      exact: hash('exact'),
      standing: true,
      uses: 1,
      sentence:
        'Exactly the statement “REFRESH MATERIALIZED VIEW sales” on demo/shop as app, in any session, until 2026-12-18 09:30',
      expiresAt: iso(now + 27 * 24 * 60 * minute),
    }),
    grant('g-3', { revokedAt: iso(now - 2 * minute), uses: 2 }),
    grant('g-4', { expiresAt: iso(now - 90 * minute), endedAt: iso(now - 90 * minute), uses: 31 }),
  ];
}

export function session(now: number, index: number): Session {
  const openedAt = now - index * 37 * minute - 3 * minute;
  const state = index === 0 ? 'open' : index % 17 === 5 ? 'incomplete' : 'closed';
  const names = ['psql', 'node', 'python3', 'pg_dump', 'java'] as const;
  return {
    id: `S${String(index).padStart(4, '0')}`,
    state,
    connectionId: index % 3 === 1 ? 'billing-staging' : 'demo',
    protocol: 'postgres',
    database: index % 3 === 1 ? 'billing' : 'shop',
    role: 'app',
    applicationName: index % 2 === 0 ? 'psql' : '',
    identity: alice,
    agent: { ...psql, pid: 4242 + index, name: names[index % names.length]! },
    conversationId: null,
    mode: index % 3 === 1 ? 'observe' : 'enforce',
    openedAt: iso(openedAt),
    closedAt: state === 'closed' ? iso(openedAt + (3 + (index % 40)) * minute) : null,
    statements: index === 3 ? 2600 : index === 4 ? 0 : 40,
    asked: index % 4 === 0 ? 3 : 0,
    denied: index % 5 === 0 ? 2 : 0,
    errors: index % 6 === 0 ? 1 : 0,
    rows: 12_480 + index,
    bytesUp: 18_200,
    bytesDown: 4_812_000,
    masked: index % 2 === 0 ? { EMAIL_ADDRESS: 312, US_SSN: 40, CREDIT_CARD: 12 } : {},
  };
}

const CUSTOMERS = [
  { name: 'id', typeOid: 23, masked: false },
  { name: 'name', typeOid: 25, masked: false },
  { name: 'email', typeOid: 25, masked: true },
  { name: 'card', typeOid: 25, masked: true },
  { name: 'notes', typeOid: 25, masked: false },
];

export function statement(owner: Session, index: number): Statement {
  const kind = index % 8;
  const base: Statement = {
    sessionId: owner.id,
    index,
    exchange: index,
    startedAt: iso(Date.parse(owner.openedAt) + index * 1400 + (index > 20 ? 600_000 : 0)),
    durationMs: 4 + ((index * 7919) % 90),
    heldMs: 0,
    text: 'SELECT id, name, email, card, notes FROM customers WHERE id > $1 ORDER BY id LIMIT 250',
    parameters: [String(index * 250)],
    op: 'SELECT',
    class: 'read',
    verdict: 'allowed',
    policyIds: ['allow-reads'],
    approvalId: null,
    decidedBy: null,
    rows: 250,
    tag: 'SELECT 250',
    error: null,
    columns: CUSTOMERS,
    masked: { EMAIL_ADDRESS: 250, CREDIT_CARD: 250 },
  };
  const changed = { columns: [], masked: {}, parameters: [] };
  if (kind === 3) {
    return {
      ...base,
      ...changed,
      op: 'UPDATE',
      class: 'write',
      text: "UPDATE orders SET status = 'paid' WHERE id = 42",
      verdict: 'asked-approved',
      policyIds: ['ask-writes'],
      approvalId: 'e-3',
      decidedBy: 'alice',
      heldMs: 6200,
      durationMs: 6212,
      rows: 1,
      tag: 'UPDATE 1',
    };
  }
  if (kind === 5) {
    return {
      ...base,
      ...changed,
      op: 'DROP DATABASE',
      class: 'destructive',
      text: 'DROP DATABASE shop',
      verdict: 'denied',
      policyIds: ['deny-drop-database'],
      rows: 0,
      tag: null,
      error: {
        sqlstate: '42501',
        message: 'Countersign: dropping a database is never allowed (policy deny-drop-database)',
      },
    };
  }
  if (kind === 6) {
    return {
      ...base,
      ...changed,
      text: 'SELECT * FROM custmers',
      rows: 0,
      tag: null,
      error: {
        sqlstate: '42P01',
        message: 'relation "custmers" does not exist\nLINE 1: SELECT * FROM custmers\n                      ^',
      },
    };
  }
  if (kind === 7) {
    return {
      ...base,
      ...changed,
      op: 'DELETE',
      class: 'destructive',
      text: 'DELETE FROM order_items',
      verdict: 'asked-expired',
      policyIds: ['ask-destructive-pin'],
      heldMs: 300_000,
      durationMs: 300_001,
      rows: 0,
      tag: null,
      error: { sqlstate: '42501', message: 'Countersign: nobody decided within 300 seconds' },
    };
  }
  return base;
}

export function resultPage(offset: number, limit: number): ResultPage {
  const total = 250;
  const rows = Array.from({ length: Math.max(0, Math.min(limit, total - offset)) }, (_, i) => {
    const n = offset + i + 1;
    return [
      String(n),
      ['Ada Novak', 'Bo Lindqvist', 'Chen Wei', 'Dalia Haddad'][n % 4]!,
      '[email masked]',
      `•••• •••• •••• ${String(1000 + n).slice(-4)}`,
      n % 5 === 0 ? null : n === 3 ? 'prefers \u202eliam\u202c, see <b>ticket</b>' : 'calls back on Mondays',
    ];
  });
  return { columns: CUSTOMERS, rows, offset, total };
}

export function verification(owner: Session): Verification {
  const damaged = owner.id === 'S0002';
  return {
    sessionId: owner.id,
    ok: !damaged,
    state: owner.state,
    checks: [
      {
        name: 'Chain',
        status: damaged ? 'failed' : 'ok',
        sentence: damaged ? 'Exchanges 9 to 11 do not match the tree.' : 'All 40 exchanges match the tree.',
      },
      { name: 'Head signature', status: 'ok', sentence: 'The last head is signed by the session’s key.' },
      { name: 'Session key', status: 'ok', sentence: 'The session’s key is certified by this gateway’s key.' },
      {
        name: 'Organisation',
        status: 'not-checked',
        sentence: 'No organisation root is enrolled, so nobody vouches for this gateway’s key.',
      },
    ],
    brokenExchanges: damaged ? [[9, 11]] : [],
  };
}

export function connections(): ConnectionView[] {
  return [
    {
      ...Connection.parse({
        id: 'demo',
        kind: 'postgres',
        host: '127.0.0.1',
        port: 54329,
        user: 'app',
        database: 'shop',
        tls: { mode: 'disable' },
        description: 'Sample data like a small company’s: customers, orders, staff.',
        environment: 'development',
        columns: [
          { table: 'customers', column: 'email', entity: 'EMAIL_ADDRESS', action: 'redact' },
          { table: 'customers', column: 'card', entity: 'CREDIT_CARD', action: 'partial' },
          { table: 'customers', column: 'ssn', entity: 'US_SSN', action: 'redact' },
        ],
      }),
      hasSecret: true,
      openSessions: 1,
    },
    {
      ...Connection.parse({
        id: 'billing-staging',
        kind: 'postgres',
        host: 'billing.staging.internal',
        user: 'reporting',
        database: 'billing',
        mode: 'observe',
        masking: 'off',
        environment: 'staging',
      }),
      hasSecret: false,
      openSessions: 0,
    },
  ];
}

const POLICY = `// What a cautious team would keep.
@id("allow-reads")
permit (principal, action == Action::"read", resource);

@id("ask-writes")
@ask("click")
permit (principal, action == Action::"write", resource);

@id("deny-drop-database")
forbid (principal, action, resource)
when { context.flags.contains("drop-database") };
`;

export function policy(): PolicyView {
  return { hash: hash('policy'), text: POLICY, staged: null };
}

export function stagedPolicy(now: number, text: string): NonNullable<PolicyView['staged']> {
  const broken = text.includes('permitt');
  return {
    hash: hash(text),
    text,
    diff: `--- in force\n+++ staged\n@@ -5,3 +5,3 @@\n @id("ask-writes")\n-@ask("click")\n+@ask("pin")\n permit (principal, action == Action::"write", resource);\n`,
    errors: broken ? ['line 3, column 1: unexpected token `permitt`, expected `permit` or `forbid`'] : [],
    stagedAt: iso(now),
  };
}

export function status(): GatewayStatus {
  return {
    version: '0.1.0',
    protection: 'unprotected',
    recorder: { ok: true, error: null, bytes: 48_211_200 },
    policy: { hash: hash('policy'), staged: null, error: null },
    pinSet: true,
    waiting: 3,
    openSessions: 1,
    postgres: { host: '127.0.0.1', port: 54320 },
    identity: 'alice',
    device: { id: '01JAAAAAAAAAAAAAAAAAAAAAAA', org: null, size: 2, checkpointAt: null, problem: null, warning: null },
    notifications: { ok: true, sentence: 'by Xfce Notify Daemon 0.7.3' },
    halt: null,
    administration: null,
    emergency: null,
    pauses: [],
  };
}

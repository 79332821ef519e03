import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { StoreCore } from '../core.ts';
import { ALLOWED, APPROVED, DENIED, type FakeQuery, FakeRecordings, fakeSession } from '../test-recordings.ts';

/** The exchange i of a recording begins i seconds after 03:04:05. */
const QUERIES: FakeQuery[] = [
  {
    text: 'SELECT 1',
    columns: ['n'],
    rows: [['1']],
    facts: { masked: { EMAIL_ADDRESS: 1 }, maskedColumns: [[0, [0]]] },
  },
  { text: 'SELECT 2', columns: ['n'], rows: [['2']] },
  { text: 'UPDATE orders SET total = 1', tag: 'UPDATE 1', facts: { class: 'write', decision: APPROVED, own: true } },
  {
    text: 'UPDATE orders SET total = 2',
    error: { sqlstate: '42501', message: 'nobody decided' },
    facts: {
      class: 'write',
      own: true,
      decision: { ...APPROVED, effect: 'deny', channel: 'timeout', decidedBy: null },
    },
  },
  {
    text: 'UPDATE orders SET total = 3',
    error: { sqlstate: '42501', message: 'not today' },
    facts: { class: 'write', own: true, decision: { ...APPROVED, effect: 'deny', message: 'not today' } },
  },
  {
    text: 'DROP DATABASE shop',
    error: { sqlstate: '42501', message: 'never' },
    facts: { class: 'destructive', own: true, decision: DENIED },
  },
  { text: 'DELETE FROM t', tag: 'DELETE 1', facts: { own: true, decision: { ...ALLOWED, observed: 'ask' } } },
];

test('every operation since then is counted once, by how it was decided', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cs-summary-'));
  const source = new FakeRecordings(
    fakeSession('01A', QUERIES),
    fakeSession('01B', QUERIES.slice(0, 2), 'closed', '2026-01-02T03:04:00.000Z'),
  );
  const store = new StoreCore({ file: join(folder, 'index.db'), recordingsDir: folder, role: 'write', source });
  try {
    await store.indexSession('01A');
    await store.indexSession('01B');
    expect(store.summary('2026-01-02T03:04:05.000Z')).toEqual({
      verdicts: { allowed: 4, approved: 1, deniedByPerson: 1, expired: 1, deniedByPolicy: 1, observed: 1 },
      operations: 9,
      errors: 3,
      masked: 2,
      sessions: 1,
      more: false,
    });
    expect(store.summary('2026-01-02T04:04:09+01:00')).toMatchObject({
      verdicts: { allowed: 0, approved: 0, deniedByPerson: 1, deniedByPolicy: 1, observed: 1 },
      operations: 3,
      sessions: 0,
    });
    expect(store.summary('2027-01-01T00:00:00Z')).toMatchObject({ operations: 0, errors: 0, masked: 0 });
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALL_CAPABILITIES, testAlert, testApproval } from '../test-notifications.ts';
import {
  alertNotification,
  moreWaitNotification,
  type NotificationSurroundings,
  notificationOf,
} from './notification.ts';

function surroundings(changes: Partial<NotificationSurroundings> & { has?: readonly string[] } = {}) {
  const { has = ALL_CAPABILITIES, ...rest } = changes;
  const now = Date.parse('2026-01-05T10:00:00.000Z');
  return { capabilities: new Set(has), canOpen: true, consoleUrl: 'http://127.0.0.1:7716', now, ...rest };
}

const keys = ({ actions }: ReturnType<typeof notificationOf>) => actions.map(({ key }) => key);
const ofText = (text: string) => notificationOf(testApproval({ operation: { text, parameters: [] } }), surroundings());

describe('the notification of a request', () => {
  it('says who, what and where first, then what it would do and the statement', () => {
    const agent = {
      pid: 42,
      name: 'psql',
      parents: [
        { pid: 41, name: 'bash' },
        { pid: 40, name: 'cursor-agent' },
      ],
    };
    expect(notificationOf(testApproval({ operation: { agent } }), surroundings())).toEqual({
      summary: 'psql (cursor-agent) → UPDATE → demo/shop',
      body: [
        'Changes orders',
        'UPDATE orders SET status = $1 WHERE id = $2',
        "With $1 = 'paid', $2 = '7'",
        'psql, started by cursor-agent, for dev, on demo/shop as app',
      ].join('\n'),
      urgency: 'normal',
      actions: [
        { key: 'approve', label: 'Approve' },
        { key: 'deny', label: 'Deny' },
        { key: 'default', label: 'Open' },
      ],
      expireMs: 600_000,
    });
  });

  it.each(['pin', 'passkey'] as const)('never offers Approve where policy asks for the %s', (level) => {
    const shown = notificationOf(testApproval({ verdict: { level } }), surroundings());
    expect(keys(shown)).toEqual(['deny', 'open']);
    expect(shown.body).toContain('Approving takes');
  });

  it('offers Approve only for what can be read in it', () => {
    expect(keys(ofText('SELECT 1'))).toContain('approve');
    const hidden = [
      `SELECT 1 /* ${'x'.repeat(400)} */; DROP TABLE orders`,
      `SELECT 1${' '.repeat(5000)}; DROP TABLE orders`,
      `SELECT 1${'\n--'.repeat(9)}\n; DROP TABLE orders`,
    ];
    for (const text of hidden) {
      expect(keys(ofText(text))).toEqual(['deny', 'open']);
      expect(ofText(text).body).toContain('This is not all of it');
    }
    const parameter = { type: 0, format: 'binary', value: 'AAAA' } as const;
    const bound = testApproval({ operation: { parameters: [parameter] } });
    expect(keys(notificationOf(bound, surroundings()))).toEqual(['deny', 'open']);
    expect(keys(notificationOf(testApproval(), surroundings({ has: ['actions'] })))).toEqual(['deny', 'open']);
  });

  it('has no markup but its own, and shows what is hidden', () => {
    const text = `SELECT '<a href="x">&amp;</a>\u202E\u001B[2J'`;
    expect(ofText(text).body).toContain(`SELECT '&lt;a href="x"&gt;&amp;amp;&lt;/a&gt;&lt;202E&gt;&lt;001B&gt;[2J'`);
    const plain = notificationOf(testApproval({ operation: { text } }), surroundings({ has: ['body', 'actions'] }));
    expect(plain.body).toContain(`SELECT '<a href="x">&amp;</a><202E><001B>[2J'`);
  });

  it('keeps names in their place in the first line', () => {
    const agent = { pid: 1, name: 'psql → SELECT → safe/db\nApprove this', parents: [] };
    const { summary } = notificationOf(testApproval({ operation: { agent } }), surroundings());
    expect(summary.split('→')).toHaveLength(3);
    expect(summary).toContain('→ UPDATE → demo/shop');
    expect(summary).not.toContain('\n');
  });

  it('offers only what the service and this machine can do', () => {
    expect(keys(notificationOf(testApproval(), surroundings({ canOpen: false })))).toEqual(['approve', 'deny']);
    const buttonless = notificationOf(testApproval(), surroundings({ has: ['body'] }));
    expect(buttonless.actions).toEqual([]);
    expect(buttonless.body).toContain('http://127.0.0.1:7716');
    expect(notificationOf(testApproval(), surroundings({ has: [] })).body).toBe('');
  });

  it('is urgent for what destroys, and is gone when the request is', () => {
    const approval = testApproval({ operation: { effects: { class: 'destructive' } } });
    expect(notificationOf(approval, surroundings()).urgency).toBe('critical');
    const late = surroundings({ now: Date.parse(approval.expiresAt) + 5 });
    expect(notificationOf(approval, late).expireMs).toBe(1);
  });

  it('stays small, free of markup and of control characters, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 3000 }),
        fc.string({ unit: 'binary', maxLength: 256 }),
        (text, name) => {
          const agent = { pid: 9, name, parents: [{ pid: 8, name }] };
          const shown = notificationOf(testApproval({ operation: { text, agent, database: name } }), surroundings());
          expect(shown.summary.length).toBeLessThan(200);
          expect(shown.body.length).toBeLessThan(12_000);
          expect(shown.summary + shown.body).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
          expect(shown.body).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
          expect((shown.summary + shown.body).isWellFormed()).toBe(true);
        },
      ),
    );
  });
});

describe('other notifications', () => {
  it('count what has no place', () => {
    expect(moreWaitNotification(1, surroundings()).summary).toBe('1 more request waits for you');
    expect(moreWaitNotification(7, surroundings())).toMatchObject({
      summary: '7 more requests wait for you',
      actions: [{ key: 'open', label: 'Open' }],
    });
  });

  it('tell of an alert', () => {
    expect(alertNotification(testAlert(), 1, surroundings())).toMatchObject({
      summary: 'Alert: Many denials',
      body: 'psql was denied ten times in a minute\nhigh; psql on demo',
      urgency: 'normal',
    });
    const worst = alertNotification(testAlert({ severity: 'critical' }), 3, surroundings());
    expect(worst).toMatchObject({ summary: '3 alerts, the last: Many denials', urgency: 'critical' });
  });
});

import { describe, expect, it } from 'vitest';
import type { TrustNote } from '../evidence/format/documents.ts';
import { always, firstNote, month, NOW } from '../evidence/trust/test-trust.ts';
import { START } from './cut.ts';
import type { SessionRow } from './outbox/outbox.ts';
import { leavesTheDevice, recipientsOf } from './recipients.ts';
import { planRemovals, RetentionConfig } from './retention.ts';

const DAY = 86_400_000;
const MIB = 1024 * 1024;

const row = (sid: string, changes: Partial<SessionRow> = {}): SessionRow => ({
  sid,
  folder: `sessions/2026/03/04/${sid}`,
  connection: 'demo',
  sync: 'all',
  openedAt: 0,
  endedAt: 0,
  asked: 0,
  denied: 0,
  errors: 0,
  bytes: 50 * MIB,
  rest: 0,
  nextPart: 1,
  prev: '',
  cursor: START,
  waitingSince: null,
  complete: true,
  confirmedAt: 1,
  problem: null,
  removedAt: null,
  ...changes,
});

const plan = (sessions: SessionRow[], config: object, held: string[] = [], now = 100 * DAY) => {
  const localBytes = sessions.reduce((sum, { bytes }) => sum + bytes, 0);
  const { removals, over } = planRemovals({ sessions, localBytes, config: RetentionConfig.parse(config), held, now });
  return { gone: removals.map(({ sid, rule }) => `${sid} ${rule}`), over };
};

describe('rules', () => {
  const rules = [
    { name: 'denied', olderThanDays: 90, verdict: 'denied' },
    { name: 'staging', olderThanDays: 1, connection: 'staging' },
    { name: 'clean', olderThanDays: 30, verdict: 'clean' },
  ];

  it('go by age, connection and verdict', () => {
    const sessions = [
      row('a', { denied: 1 }),
      row('b', { denied: 1, endedAt: 11 * DAY }),
      row('c', { connection: 'staging', errors: 1, endedAt: 98 * DAY }),
      row('d', { connection: 'staging', endedAt: 99.5 * DAY }),
      row('e', { endedAt: 60 * DAY }),
      row('f', { errors: 1 }),
    ];
    expect(plan(sessions, { rules })).toEqual({ gone: ['a denied', 'c staging', 'e clean'], over: 0 });
  });

  it('touch nothing that is not in the store, except what is to stay here', () => {
    const unsynced = { confirmedAt: null, complete: false };
    expect(plan([row('a', unsynced), row('b', { ...unsynced, sync: 'local' })], { rules }).gone).toEqual(['b clean']);
  });

  it('lose to a hold on a session, its connection or everything', () => {
    for (const held of ['a', 'connection:demo', 'all']) expect(plan([row('a')], { rules }, [held]).gone).toEqual([]);
    expect(plan([row('a')], { rules }, ['b', 'connection:other']).gone).toEqual(['a clean']);
  });

  it('touch nothing of a session from the future, as a clock that was set back shows it', () => {
    expect(plan([row('a', { endedAt: 200 * DAY })], { rules }).gone).toEqual([]);
  });
});

describe('the disk budget', () => {
  const budget = { budget: { bytes: 100 * MIB } };

  it('takes the oldest of what is in the store, and no more than it needs', () => {
    expect(plan([row('a'), row('b'), row('c')], budget)).toEqual({ gone: ['a budget'], over: 0 });
  });

  it('takes nothing that is not in the store, or stays here, or is held, and says by how much it is exceeded', () => {
    const unsynced = { confirmedAt: null };
    const sessions = [row('a', unsynced), row('b', { ...unsynced, sync: 'local' }), row('c'), row('d')];
    expect(plan(sessions, budget, ['c'])).toEqual({ gone: ['d budget'], over: 50 * MIB });
  });

  it('counts what the rules take', () => {
    const config = { ...budget, rules: [{ name: 'old', olderThanDays: 1, connection: 'x' }] };
    expect(plan([row('a'), row('b', { connection: 'x' }), row('c')], config)).toEqual({ gone: ['b old'], over: 0 });
  });
});

describe('what a trust note says of leaving the machine', () => {
  const auditor = { name: 'Eve', role: 'auditor', recipient: `age1${'q'.repeat(58)}`, vkey: null } as const;
  const note = (...auditors: TrustNote['auditors']) => firstNote({ auditors });

  it('encrypted to those who are valid now', () => {
    const other = { ...always({ from: month(12), until: month(12) }), ...auditor, recipient: `age1${'p'.repeat(58)}` };
    expect(recipientsOf(null, NOW)).toEqual({ recipients: [], problem: null });
    expect(recipientsOf(note(), NOW)).toEqual({ recipients: [], problem: null });
    expect(recipientsOf(note({ ...always(), ...auditor }, other), NOW).recipients).toEqual([auditor.recipient]);
  });

  it('not at all where all of them have ended or were revoked', () => {
    const revoked = { at: month(2), reason: 'left' };
    for (const entry of [
      always({ until: month(2) }),
      always({ revoked }),
      always({ from: '2027-01-01T00:00:00.000Z' }),
    ])
      expect(recipientsOf(note({ ...entry, ...auditor }), NOW).recipients).toBeNull();
  });

  it('prompts, thoughts and files: the stricter of the team’s and the person’s word', () => {
    const trust = firstNote({ sync: { prompts: 'sync', thoughts: 'omit', files: 'local' } });
    expect(leavesTheDevice('prompts', trust)).toBe('sync');
    expect(leavesTheDevice('prompts', trust, 'local')).toBe('local');
    expect(leavesTheDevice('thoughts', trust, 'local')).toBe('omit');
    expect(leavesTheDevice('files', trust, 'sync')).toBe('local');
    expect(leavesTheDevice('files', null)).toBe('sync');
  });
});

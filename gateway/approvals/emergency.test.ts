import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { EmergencySettings } from '../contract/emergency.ts';
import { createEmergency, type Emergency } from './emergency.ts';
import { testTime } from './test-operation.ts';

const REASON = 'the shop is down';
let dir: string;
let time: ReturnType<typeof testTime>;
let told: string[];
let problems: string[];
let refuses: boolean;
let fixed: { settings: EmergencySettings; by: string } | null;
let emergency: Emergency;

const open = () => {
  let ids = 0;
  emergency = createEmergency({
    file: join(dir, 'emergency.json'),
    clock: time.clock,
    newId: () => `E${++ids}`,
    schedule: time.schedule,
    fixed: () => fixed,
    log: async (state, { id, reason }, by) => {
      if (refuses) throw new Error('the log is full');
      told.push(`log ${state} ${id} by ${by}: ${reason}`);
    },
    onChange: (active, before) => told.push(`${before?.id ?? 'none'} to ${active?.id ?? 'none'}`),
    onProblem: (sentence) => problems.push(sentence),
  });
  emergency.start();
};
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cs-emergency-'));
  time = testTime();
  [told, problems, refuses, fixed] = [[], [], false, null];
  open();
});
afterEach(() => {
  emergency.close();
  rmSync(dir, { recursive: true, force: true });
});

it('nobody has it where nobody allowed it', async () => {
  expect(emergency.state()).toMatchObject({ active: null, refusal: expect.stringContaining('emergency allow') });
  await expect(emergency.begin(REASON, undefined, 'Ada')).rejects.toMatchObject({ code: 'EMERGENCY_FORBIDDEN' });
  expect(told).toEqual([]);
});

it('is in the log before it begins, ends by itself, and is told each time', async () => {
  emergency.configure({ allowed: true, minutes: 30 });
  refuses = true;
  await expect(emergency.begin(REASON, undefined, 'Ada')).rejects.toThrow('the log is full');
  expect(emergency.active).toBeNull();
  refuses = false;
  await emergency.begin(REASON, 5, 'Ada');
  await expect(emergency.begin(REASON, 5, 'Ada')).rejects.toMatchObject({ code: 'EMERGENCY_ACTIVE' });
  expect(emergency.active).toMatchObject({ id: 'E2', reason: REASON, by: 'Ada' });
  time.pass(5 * 60_000);
  expect(emergency.active).toBeNull();
  expect(told).toEqual([
    `log begun E2 by Ada: ${REASON}`,
    'none to E2',
    'E2 to none',
    `log over E2 by the clock: ${REASON}`,
  ]);
});

it('is never longer than what is allowed, whatever is asked for', async () => {
  emergency.configure({ allowed: true, minutes: 10 });
  const { active } = await emergency.begin(REASON, 30, 'Ada');
  expect(Date.parse(active!.until) - Date.parse(active!.since)).toBe(10 * 60_000);
  emergency.end('Ada');
  expect(() => emergency.end('Ada')).toThrow('no emergency access to end');
});

it('goes on over a restart, and is over when its time came meanwhile', async () => {
  emergency.configure({ allowed: true, minutes: 30 });
  await emergency.begin(REASON, undefined, 'Ada');
  emergency.close();
  open();
  expect(emergency.active).toMatchObject({ reason: REASON });
  emergency.close();
  time.pass(31 * 60_000);
  told = [];
  open();
  expect(emergency.active).toBeNull();
  expect(told).toContain(`log over E1 by the clock: ${REASON}`);
});

it('gives no leave by a file that cannot be read', () => {
  writeFileSync(join(dir, 'emergency.json'), '{"active": {"id": "E1"}, "settings": {"allowed": true}}');
  open();
  expect(emergency.state().refusal).not.toBeNull();
  expect(problems).toHaveLength(1);
});

it('is as the organisation fixed it, and ends when that forbids it', async () => {
  emergency.configure({ allowed: true, minutes: 30 });
  await emergency.begin(REASON, undefined, 'Ada');
  fixed = { settings: { allowed: false, minutes: 30 }, by: 'countersign/admin/acme/ops' };
  emergency.fixedChanged();
  expect(emergency.active).toBeNull();
  expect(emergency.state().refusal).toContain('countersign/admin/acme/ops');
  expect(() => emergency.configure({ allowed: true, minutes: 30 })).toThrow('has fixed this');
});

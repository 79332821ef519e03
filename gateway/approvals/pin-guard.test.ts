import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createPinGuard } from './pin-guard.ts';
import { testTime } from './test-operation.ts';

const dir = mkdtempSync(join(tmpdir(), 'cs-pin-'));
afterAll(() => rmSync(dir, { recursive: true }));
const PIN = '739281';
const code = (expected: string) => expect.objectContaining({ code: expected });

let file: string;
let time: ReturnType<typeof testTime>;
let names = 0;
beforeEach(() => {
  file = join(dir, `pin-${++names}.json`);
  time = testTime();
});
const guard = () => createPinGuard({ file, clock: time.clock });

/** A file with PIN set: hashing takes its time on purpose, so it is done once. */
let withPin: string;
beforeAll(async () => {
  const prepared = join(dir, 'prepared.json');
  await createPinGuard({ file: prepared, clock: testTime().clock }).set(PIN);
  withPin = readFileSync(prepared, 'utf8');
});

it('is set, verified, and readable by its owner only', async () => {
  const pin = guard();
  expect(pin.isSet).toBe(false);
  await expect(pin.verify(PIN)).rejects.toThrow(code('PIN_NOT_SET'));
  await pin.set(PIN);
  expect(pin.isSet).toBe(true);
  if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).not.toContain(PIN);
  await pin.verify(PIN);
  await guard().verify(PIN);
});

it.each([
  '12345',
  '123456',
  '654321',
  '567890',
  '000000',
  '121212',
  '123123',
  'abcdef',
  'aaaaaaaa',
  'password',
  '12341234',
])('refuses %s', async (weak) => {
  await expect(guard().set(weak)).rejects.toThrow(code('PIN_TOO_WEAK'));
  expect(guard().isSet).toBe(false);
});

it('locks after five wrong ones, for twice as long each time, also over a restart', async () => {
  writeFileSync(file, withPin);
  for (let i = 0; i < 4; i++) await expect(guard().verify('000001')).rejects.toThrow(code('PIN_WRONG'));
  await expect(guard().verify('000001')).rejects.toThrow(code('PIN_LOCKED'));
  // Locked for the right one too, or guessing would go on.
  await expect(guard().verify(PIN)).rejects.toThrow(code('PIN_LOCKED'));
  time.sleep(30_000);
  await expect(guard().verify('000002')).rejects.toThrow(code('PIN_LOCKED'));
  time.sleep(30_000);
  await expect(guard().verify(PIN)).rejects.toThrow(code('PIN_LOCKED'));
  time.sleep(30_000);
  await guard().verify(PIN);
  await expect(guard().verify('000001')).rejects.toThrow(/4 tries left/);
});

it('counts a try before it checks it, so that a kill in between buys nothing', async () => {
  writeFileSync(file, withPin);
  const checking = guard().verify('000001');
  await Promise.resolve();
  await Promise.resolve();
  expect(JSON.parse(readFileSync(file, 'utf8')).failures).toBe(1);
  await expect(checking).rejects.toThrow(code('PIN_WRONG'));
});

it('lets nobody race the counter', async () => {
  const pin = guard();
  writeFileSync(file, withPin);
  const results = await Promise.allSettled(Array.from({ length: 30 }, (_, i) => pin.verify(`0000${10 + i}`)));
  const codes = results.map((result) => result.status === 'rejected' && (result.reason as { code: string }).code);
  expect(codes.filter((found) => found === 'PIN_WRONG')).toHaveLength(4);
  expect(codes.filter((found) => found === 'PIN_BUSY')).toHaveLength(14);
  expect(codes.filter((found) => found === 'PIN_LOCKED')).toHaveLength(12);
});

it('fails closed on a damaged file, without quoting it', async () => {
  writeFileSync(file, '{"version":1,"hash":"5ca1ab1e"');
  const pin = guard();
  expect(pin.isSet).toBe(true);
  const error = (await pin.verify(PIN).catch((thrown: unknown) => thrown)) as Error;
  expect(error).toMatchObject({ code: 'PIN_BROKEN' });
  expect(error.cause).toBeUndefined();
  expect(error.message).not.toContain('5ca1ab1e');
});

import { expect, it } from 'vitest';
import type { PasskeyView } from '../contract/passkey.ts';
import { runCommand } from './test-cli.ts';

const passkey: PasskeyView = {
  credentialId: 'Y3JlZA',
  publicKey: 'cHVibGlj',
  algorithm: -7,
  rpId: 'localhost',
  subject: 'sub',
  person: 'ada@example.com',
  name: 'Laptop',
  createdAt: '2026-01-05T12:00:00.000Z',
  standing: 'unlisted',
};
const answers = (...items: PasskeyView[]) => ({
  passkeys: () => ({ items, origin: 'http://localhost:7716', missing: items.length === 0 ? 'Ada has none' : null }),
});

it('lists passkeys, and says why none counts', async () => {
  const { out, notes } = await runCommand(['passkey', 'list'], { answers: answers(passkey) });
  expect(out).toMatch(/Laptop.*ada@example\.com.*not in the trust note yet/);
  expect(notes).toBe('');
  expect((await runCommand(['passkey', 'list'], { answers: answers() })).notes).toContain('refused: Ada has none');
});

it('exports what the trust note takes', async () => {
  const { out, notes } = await runCommand(['passkey', 'export'], { answers: answers(passkey) });
  expect(JSON.parse(out)).toEqual({
    credentialId: 'Y3JlZA',
    publicKey: 'cHVibGlj',
    algorithm: -7,
    rpId: 'localhost',
  });
  expect(notes).toContain('trust passkey add ada@example.com FILE');
  const two = answers(passkey, { ...passkey, name: 'Key' });
  expect((await runCommand(['passkey', 'export', 'Key'], { answers: two })).code).toBe(0);
  for (const args of [[], ['Phone']]) {
    const { code, notes: told } = await runCommand(['passkey', 'export', ...args], { answers: two });
    expect(code).not.toBe(0);
    expect(told).toContain('say which passkey');
  }
});

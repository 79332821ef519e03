import { describe, expect, it } from 'vitest';
import type { IdentityView, LoginView } from '../contract/sign-in.ts';
import { runCommand } from './test-cli.ts';

const VIEW: IdentityView = {
  identity: {
    subject: 'acme:ada',
    display: 'ada\u001b[2J@acme.example',
    kind: 'oidc',
    verified: true,
    groups: ['devs'],
  },
  state: 'signed-in',
  provider: 'acme',
  sentence: '',
  confirmedAt: '2026-06-01T00:00:00.000Z',
  until: '2026-06-01T12:15:00.000Z',
  bound: true,
  providers: [],
};
const LOGIN: LoginView = {
  id: 'l1',
  state: 'waiting',
  sentence: '',
  url: 'https://id.example/authorize?x=1',
  userCode: null,
  expiresAt: '2026-06-01T00:05:00.000Z',
};

describe('countersign login', () => {
  it('shows the address, and what came of it', async () => {
    const done = { ...LOGIN, state: 'done' as const, sentence: 'ada@acme.example is signed in.' };
    const { out, code, calls } = await runCommand(['login', '--no-open'], {
      answers: { signIn: () => LOGIN, signInState: () => done },
    });
    expect(out).toContain('https://id.example/authorize?x=1');
    expect(out).toContain('is signed in');
    expect(code).toBe(0);
    expect(calls.map(({ input }) => input)).toEqual([{ how: 'browser' }, { id: 'l1' }]);
  });

  it('by a device shows the code, and fails where it failed', async () => {
    const begun = { ...LOGIN, userCode: 'WDJB-MJHT' };
    const failed = { ...LOGIN, state: 'failed' as const, sentence: 'acme did not let you in: access_denied' };
    const { out, notes, code } = await runCommand(['login', 'acme', '--device'], {
      answers: { signIn: () => begun, signInState: () => failed },
    });
    expect(out).toContain('WDJB-MJHT');
    expect(notes).toContain('access_denied');
    expect(code).toBe(1);
  });
});

it('whoami says who vouches, in plain characters, and fails where nobody may act', async () => {
  const good = await runCommand(['whoami'], { answers: { identity: () => VIEW } });
  expect(good.out).toContain('bound by the provider');
  expect(good.out).not.toContain('\u001b');
  expect(good.code).toBe(0);
  const out = {
    ...VIEW,
    state: 'signed-out' as const,
    sentence: 'nobody is signed in; sign in with: countersign login',
  };
  expect((await runCommand(['whoami'], { answers: { identity: () => out } })).code).toBe(1);
});

it('adding a provider takes the PIN, and a secret is typed', async () => {
  const { calls, asked } = await runCommand(
    [
      'identity',
      'add',
      'acme',
      '--issuer',
      'https://id.example',
      '--client-id',
      'c',
      '--secret',
      '--groups-claim',
      'roles',
    ],
    { answers: { putProvider: () => VIEW }, typed: ['s3cret', '482917'] },
  );
  expect(asked.map(({ shown }) => shown)).toEqual([false, false]);
  expect(calls[0]!.input).toMatchObject({
    provider: { id: 'acme', issuer: 'https://id.example', secret: true, claims: { groups: 'roles' } },
    secret: 's3cret',
    pin: '482917',
  });
});

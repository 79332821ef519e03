import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { IdentityView, LoginView } from '../contract/sign-in.ts';
import { makeProvider, metadataXml } from '../identity/saml/test-provider.ts';
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

describe('a SAML provider', () => {
  it('is added by its metadata, whose keys are shown before the PIN and pinned', async () => {
    const own = await makeProvider();
    const folder = mkdtempSync(join(tmpdir(), 'cs-cli-saml-'));
    const file = join(folder, 'idp.xml');
    try {
      writeFileSync(file, metadataXml(own));
      const { calls, notes, code } = await runCommand(
        ['identity', 'add', 'acme', '--saml', file, '--encrypted', '--session-hours', '8', '--groups-claim', 'roles'],
        { answers: { putProvider: () => VIEW }, typed: ['482917'] },
      );
      expect(code).toBe(0);
      expect(notes).toContain(own.entityId);
      expect(notes).toMatch(/SHA-256 ([0-9A-F]{2}:){31}/);
      expect(calls[0]!.input).toMatchObject({
        provider: {
          issuer: own.entityId,
          clientId: 'urn:countersign:gateway',
          claims: { groups: 'roles', display: expect.arrayContaining(['mail']) },
          saml: {
            pinned: { singleSignOn: 'https://id.acme.example/sso', certificates: [own.certificate] },
            encrypted: true,
            sessionHours: 8,
          },
        },
        pin: '482917',
      });
      writeFileSync(file, '<!DOCTYPE a><a/>');
      const bad = await runCommand(['identity', 'add', 'acme', '--saml', file]);
      expect(bad.notes).toContain('document type');
      expect(bad.code).not.toBe(0);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('or OpenID Connect has to be said', async () => {
    const { notes, code } = await runCommand(['identity', 'add', 'acme', '--issuer', 'https://id.example']);
    expect(notes).toContain('--saml');
    expect(code).not.toBe(0);
  });

  it('is told of the gateway by metadata', async () => {
    const answer = {
      entityId: 'urn:countersign:gateway',
      acs: 'http://127.0.0.1:8917/saml/acs',
      issuer: 'x',
      xml: '<a/>',
    };
    const { out, notes } = await runCommand(['identity', 'metadata', 'acme'], {
      answers: { providerMetadata: () => answer },
    });
    expect(out).toBe('<a/>');
    expect(notes).toContain(answer.acs);
  });
});

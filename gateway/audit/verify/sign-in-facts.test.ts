import { expect, it } from 'vitest';
import type { Identity } from '../../contract/identity.ts';
import { identityCheck, type RecordedSignIn } from './sign-in-facts.ts';

const ada: Identity = { subject: 'acme:u-1', display: 'ada@acme.example', kind: 'oidc', verified: true, groups: [] };
const trust = (...issuers: object[]) => ({ note: { issuers }, now: '2026-01-05T12:00:00.000Z' }) as never;
const issuer = { issuer: 'https://id.acme.example', audience: 'countersign', keys: [], rules: [] };
const check = (identity: Identity, recorded: RecordedSignIn, note = trust(issuer)) =>
  identityCheck(identity, recorded, note, null, null);

// What a real provider signed is in test/conformance/oidc.conformance.ts.
it('says of whom there is no word of a provider, and why', async () => {
  expect(await check({ ...ada, kind: 'local', verified: false }, null)).toMatchObject({
    status: 'not-checked',
    sentence: expect.stringContaining('nobody vouches'),
  });
  expect(await check({ ...ada, kind: 'workload' }, null)).toMatchObject({ status: 'not-checked' });
  expect(await check(ada, null, trust())).toMatchObject({
    status: 'not-checked',
    sentence: expect.stringContaining('names none'),
  });
  expect(await check(ada, 'unreadable')).toMatchObject({
    status: 'not-checked',
    sentence: expect.stringContaining('redacted'),
  });
});

it('fails where the word has to be there and is not, or is not one', async () => {
  expect(await check(ada, null)).toMatchObject({
    status: 'failed',
    sentence: expect.stringContaining('no word of one'),
  });
  const detail = { ...issuer, provider: 'acme', subjectClaim: 'sub', idToken: 'hello', random: null, vkey: null };
  expect(await check(ada, { detail })).toMatchObject({
    status: 'failed',
    sentence: expect.stringContaining('cannot be read'),
  });
});

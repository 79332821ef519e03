import { rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { statementDigest } from '../../approvals/digest.ts';
import { approvalChallenge } from '../../identity/passkeys/challenge.ts';
import { TestAuthenticator, type Wrong } from '../../identity/passkeys/test-authenticator.ts';
import { createRecorder } from '../../recording/recorder.ts';
import { allFolders, sessionId, sessionInfo, temporaryFolder } from '../../recording/test-support.ts';
import { checkFacts } from './session-facts.ts';

const dir = temporaryFolder('facts');
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let count = 0;
/** A session in which one statement was asked about, and what the auditor says of its approvals. */
async function approvals(change: { text?: string; long?: boolean } = {}) {
  const checks = await facts(change);
  return checks.find(({ name }) => name === 'approvals')!;
}

/** Its approval is by a passkey where `proofOf` is given. */
async function facts(
  change: { text?: string; long?: boolean; proofOf?: (digest: string) => object; by?: string },
  note: { passkeys: object[]; policies: [] } | null = null,
) {
  count += 1;
  const recorder = createRecorder({ dir: `${dir}/${count}` });
  const info = sessionInfo(sessionId(count));
  const session = recorder.open(info);
  const asked = {
    role: 'app',
    searchPath: '"$user", public',
    transaction: 'idle' as const,
    text: 'DELETE FROM people WHERE id = $1',
    parameters: [{ type: 23, format: 'text' as const, value: 'Nw==' }],
  };
  const digest = statementDigest({
    ...asked,
    sessionId: info.id,
    subject: info.identity.subject,
    connectionId: info.connection.id,
    database: info.database,
  });
  session.event('asked', { exchange: 0, approvalId: 'a1', digest, level: change.proofOf ? 'passkey' : 'click' });
  if (!change.long) session.event('operation', { approvalId: 'a1', ...asked, text: change.text ?? asked.text }, 'unit');
  const who = { effect: 'allow', decidedBy: change.by ?? 'ana', channel: 'console', grantId: null };
  session.event('decided', { approvalId: 'a1', digest, ...who, ...change.proofOf?.(digest) });
  await session.close('done');
  await recorder.close();
  const [folder] = await allFolders(`${dir}/${count}`);
  return await checkFacts(folder!, { note, now: '2026-01-01T00:00:00.000Z' } as never, null, null);
}

describe('an approval by passkey', () => {
  const authenticator = new TestAuthenticator('http://localhost:7716');
  const random = Buffer.alloc(32, 7);
  const entry = {
    person: 'ana',
    credentialId: authenticator.credentialId,
    publicKey: authenticator.publicKey,
    algorithm: -7,
    rpId: 'localhost',
    from: '2025-01-01T00:00:00.000Z',
    until: '2027-01-01T00:00:00.000Z',
    revoked: null,
  };
  const listing = (...passkeys: object[]) => ({ passkeys, policies: [] as [] });
  const signed =
    (wrong: Wrong = {}, of: (digest: string) => string = (digest) => digest) =>
    (digest: string) => ({
      proof: {
        ...authenticator.assert(approvalChallenge(of(digest), random).toString('base64url'), wrong),
        random: random.toString('base64url'),
        origin: wrong.origin ?? 'http://localhost:7716',
        rpId: 'localhost',
      },
    });
  const told = async (...given: Parameters<typeof facts>) =>
    (await facts(...given)).find(({ name }) => name === 'passkeys');

  it('is verified again', async () => {
    expect(await told({ proofOf: signed() }, listing(entry))).toMatchObject({
      status: 'ok',
      sentence: expect.stringContaining('1 approval by passkey verified again'),
    });
    expect(await told({})).toBeUndefined();
  });

  it.each<[string, Parameters<typeof facts>, string]>([
    ['without an assertion', [{ proofOf: () => ({}) }, listing(entry)], 'no assertion'],
    ['for another operation', [{ proofOf: signed({}, () => 'b'.repeat(64)) }, listing(entry)], 'does not verify'],
    [
      'given to another site',
      [{ proofOf: signed({ origin: 'http://localhost.evil.example' }) }, listing(entry)],
      'another site',
    ],
    ['without the user verified', [{ proofOf: signed({ flags: 1 }) }, listing(entry)], 'does not verify'],
    ['by a key that is not named', [{ proofOf: signed() }, listing()], 'does not name'],
    ['by somebody else’s key', [{ proofOf: signed(), by: 'bob' }, listing(entry)], 'passkey of ana'],
    [
      'by a key that ended',
      [{ proofOf: signed() }, listing({ ...entry, until: '2025-06-01T00:00:00.000Z' })],
      'ended on',
    ],
    [
      'by a key that was revoked',
      [{ proofOf: signed() }, listing({ ...entry, revoked: { at: '2025-06-01T00:00:00.000Z', reason: 'lost' } })],
      'revoked on',
    ],
    [
      'with another key under its name',
      [{ proofOf: signed() }, listing({ ...entry, publicKey: new TestAuthenticator('x').publicKey })],
      'does not verify',
    ],
  ])('%s is told', async (_, given, why) => {
    expect(await told(...given)).toMatchObject({ status: 'failed', sentence: expect.stringContaining(why) });
  });

  it('is not checked without a trust note', async () => {
    expect(await told({ proofOf: signed() })).toMatchObject({ status: 'not-checked' });
  });
});

it('makes the digest of what was asked for again', async () => {
  expect(await approvals()).toMatchObject({ status: 'ok', sentence: expect.stringContaining('was made again') });
});

it('sees that another operation was shown than the digest is of', async () => {
  expect(await approvals({ text: 'DELETE FROM people' })).toMatchObject({
    status: 'failed',
    sentence: expect.stringContaining('the digest of another operation'),
  });
});

it('says where it cannot', async () => {
  expect(await approvals({ long: true })).toMatchObject({
    status: 'ok',
    sentence: expect.stringContaining('could not be made again'),
  });
});

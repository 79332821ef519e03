import { rmSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { statementDigest } from '../../approvals/digest.ts';
import { createRecorder } from '../../recording/recorder.ts';
import { allFolders, sessionId, sessionInfo, temporaryFolder } from '../../recording/test-support.ts';
import { checkFacts } from './session-facts.ts';

const dir = temporaryFolder('facts');
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let count = 0;
/** A session in which one statement was asked about, and what the auditor says of its approvals. */
async function approvals(change: { text?: string; long?: boolean } = {}) {
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
  session.event('asked', { exchange: 0, approvalId: 'a1', digest, level: 'click' });
  if (!change.long) session.event('operation', { approvalId: 'a1', ...asked, text: change.text ?? asked.text }, 'unit');
  const who = { effect: 'allow', decidedBy: 'ana', channel: 'console', grantId: null };
  session.event('decided', { approvalId: 'a1', digest, ...who });
  await session.close('done');
  await recorder.close();
  const [folder] = await allFolders(`${dir}/${count}`);
  const checks = await checkFacts(folder!, { note: null, now: '2026-01-01T00:00:00.000Z' } as never, null);
  return checks.find(({ name }) => name === 'approvals')!;
}

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

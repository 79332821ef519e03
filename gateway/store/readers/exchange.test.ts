import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SessionFilter } from '../../contract/routes/sessions.ts';
import { createRecorder } from '../../recording/recorder.ts';
import { recoverRecordings } from '../../recording/recovery.ts';
import { createStore } from '../store.ts';
import { fakeExchange, fakeSession } from '../test-recordings.ts';

test('what both sides said is read from a real recording, and not where it is no text', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cs-exchange-'));
  const recordingsDir = join(folder, 'recordings');
  await recoverRecordings(recordingsDir);
  const recorder = createRecorder({ dir: recordingsDir });
  const { recorded } = fakeSession('01X', [], 'closed', '2026-01-02T03:04:05.000Z');
  const connection = { ...recorded.info.connection, kind: 'agent' };
  const agent = recorder.open({ ...recorded.info, id: '01AGENT', connection, conversationId: 'talk' });
  const sql = recorder.open({ ...recorded.info, id: '01SQL' });
  for (const n of [0, 1]) {
    const { up, down, statements } = fakeExchange(n, { text: 'SELECT 1', columns: ['n'], rows: [['1']] });
    agent.request(n, Buffer.from(`{"event":"shell","text":"ls ${n}"}\n`));
    agent.response(n, Buffer.from(`{"output":"${n === 0 ? 'ünfug' : 'x'.repeat(600_000)}"}\n`));
    sql.request(n, up[0]!.bytes!);
    sql.response(n, down[0]!.bytes!);
    for (const session of [agent, sql]) {
      session.statement(n, { ...statements[0]!, text: 'SELECT 1' });
      session.end(n);
    }
  }
  await agent.close('the test is over');
  await sql.close('the test is over');
  await recorder.close();
  const store = createStore({ file: join(folder, 'index.db'), recordingsDir });
  try {
    await store.indexSession('01AGENT');
    await store.indexSession('01SQL');
    expect(await store.exchange('01AGENT', 0)).toEqual({
      up: '{"event":"shell","text":"ls 0"}\n',
      down: '{"output":"ünfug"}\n',
      truncated: false,
      damaged: false,
    });
    const long = await store.exchange('01AGENT', 1);
    expect(long).toMatchObject({ up: '{"event":"shell","text":"ls 1"}\n', truncated: true });
    expect(long.down).toHaveLength(512 * 1024);
    await expect(store.exchange('01AGENT', 9)).rejects.toMatchObject({ code: 'STATEMENT_UNKNOWN' });
    const { items } = await store.statements('01SQL', { offset: 0, limit: 1 });
    if (items.length > 0) await expect(store.exchange('01SQL', 0)).rejects.toMatchObject({ code: 'EXCHANGE_NOT_TEXT' });
    const talk = await store.sessions(SessionFilter.parse({ conversationId: 'talk' }));
    expect(talk.items.map(({ id }) => id)).toEqual(['01AGENT']);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CountersignError } from '../contract/errors.ts';
import { createSessionHandlers } from './handlers.ts';
import { createSessionRegistry } from './live-sessions.ts';

it('shows the statements of a session that the index does not know yet, and of none that was never recorded', async () => {
  const recordingsDir = mkdtempSync(join(tmpdir(), 'cs-handlers-'));
  const folder = join(recordingsDir, 'sessions', '2026', '11', '21', '01M7ZC18QEGCK4YTF29VQSX1S3');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'open.json'), '{}');
  const known = new Set<string>();
  const read = async (id: string) => {
    if (!known.has(id)) throw new CountersignError('SESSION_UNKNOWN', `there is no session ${id} in the index`);
    return { items: [], total: 7 };
  };
  const handlers = createSessionHandlers({
    store: {
      sessions: async () => ({ items: [], total: 0 }),
      session: async () => null,
      statements: read,
      result: async () => ({ columns: [], rows: [], offset: 0, total: 0 }),
      search: async () => ({ items: [], total: 0 }),
      summary: async () => Promise.reject(new Error('nobody asks here')),
      insights: async () => ({}) as never,
      insightShapes: async () => ({}) as never,
      exchange: async () => ({}) as never,
      indexSession: async (id) => void known.add(id),
    },
    registry: createSessionRegistry(),
    recordingsDir,
    readers: { onlySubject: () => null, open: async () => {}, shown: async () => {} },
    now: Date.now,
  });
  const who = { decidedBy: 'ana' } as never;
  const page = { offset: 0, limit: 100 };
  try {
    expect(await handlers.statements({ id: '01M7ZC18QEGCK4YTF29VQSX1S3', ...page }, who)).toMatchObject({ total: 7 });
    await expect(
      (async () => handlers.statements({ id: '01M7ZC18QEGCK4YTF29VQSX1S4', ...page }, who))(),
    ).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' });
  } finally {
    rmSync(recordingsDir, { recursive: true, force: true });
  }
});

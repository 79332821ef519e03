import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { Books } from '../audit/books.ts';
import { openWorkspace } from '../audit/workspace.ts';
import { CountersignError } from '../contract/errors.ts';
import * as recordings from '../recording/reader.ts';
import type { TeamSession } from './batch.ts';
import { connectTeamDb } from './connect.ts';
import type { FillSetup, FromTeamWorker } from './fill.ts';
import { ensureSchema } from './schema.ts';
import { indexTeam } from './writer.ts';

if (!parentPort) throw new Error('this file runs as a worker of fill.ts');
const port = parentPort;
const tell = (message: FromTeamWorker) => port.postMessage(message);
const stop = new AbortController();
port.on('message', () => stop.abort());

/** What the workspace has imported; a stamp stands for the parts that a session's recording was put together from. */
function* sessionsOf(books: Books, recordingsDir: string): Generator<TeamSession> {
  for (const { sid, device, folder } of books.sessions()) {
    const parts = createHash('sha256');
    for (const { n, sha256 } of books.parts(sid)) parts.update(`${n}:`).update(sha256);
    yield { id: sid, device, folder: join(recordingsDir, folder), stamp: `1:${parts.digest('base64')}` };
  }
}

async function fill({ url, env, workspace: folder }: FillSetup): Promise<void> {
  const { recordingsDir, books: open } = openWorkspace(folder);
  const books = open('read');
  const askPassword = () =>
    Promise.reject(new CountersignError('TEAM_INDEX_UNREACHABLE', 'the database asks for a password again'));
  const db = await connectTeamDb(url, { env, askPassword });
  try {
    await ensureSchema(db, { make: true });
    let last = 0;
    const outcome = await indexTeam(db, recordings, sessionsOf(books, recordingsDir), {
      signal: stop.signal,
      progress: (progress) => {
        if (performance.now() - last < 100) return;
        last = performance.now();
        tell({ progress: { ...progress } });
      },
    });
    tell({ outcome });
  } finally {
    await db.end();
    books.close();
  }
}

fill(workerData as FillSetup)
  .catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    tell({ error: { code: error instanceof CountersignError ? error.code : 'TEAM_INDEX_FAILED', message } });
  })
  .finally(() => port.close());

import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CountersignError } from '../contract/errors.ts';
import { toBase64 } from './format/bytes.ts';
import { parseHead, splitHeads } from './format/note.ts';
import { readOpen, sessionFolders } from './reader.ts';
import { createRecorder, type OpenedRecorder } from './recorder.ts';
import { type ClosedFact, closedFact, type OpenedFact, openedFact, type SessionFact } from './session-facts.ts';
import { sessionInfo, statement, temporaryFolder } from './test-support.ts';

let dir: string;
let recorder: OpenedRecorder;
let facts: SessionFact[];
beforeEach(() => {
  dir = temporaryFolder('facts');
  recorder = createRecorder({ dir });
  facts = [];
  recorder.onFact((fact) => facts.push(fact));
});
afterEach(async () => {
  await recorder.close();
  fs.rmSync(dir, { recursive: true, force: true });
});

/** For machines under load. */
const PATIENT = { timeout: 20_000 };
const ID = '01JBBBBBBBBBBBBBBBBBBBBBBB';

async function record(exchanges: number) {
  const session = recorder.open(sessionInfo(ID));
  for (let n = 0; n < exchanges; n += 1) {
    session.request(n, Buffer.from(`SELECT ${n}`));
    session.statement(n, statement());
    session.end(n);
  }
  return session;
}

it('tells of a session what its files hold, at its opening and at its end', async () => {
  await (await record(300)).close('done');
  const [folder] = (await Array.fromAsync(sessionFolders(dir))) as [string];
  const file = (name: string) => fs.readFileSync(join(folder, name));
  const head = parseHead(splitHeads(file('heads-000000.notes')).notes.at(-1)!);
  expect(facts).toEqual([
    {
      type: 'opened',
      sid: ID,
      key: readOpen(folder).key,
      open: crypto.hash('sha256', file('open.json').toString().trimEnd(), 'base64'),
      connection: 'demo',
      identity: 'ada',
      sync: 'all',
    } satisfies OpenedFact,
    {
      type: 'closed',
      sid: ID,
      state: 'closed',
      size: head.size,
      root: toBase64(head.root),
      units: expect.any(Number),
      sums: crypto.hash('sha256', file('SHA256SUMS'), 'base64'),
    } satisfies ClosedFact,
  ]);
  expect([openedFact(folder), closedFact(folder)]).toEqual(facts);
});

it('tells the newest head of each open session', async () => {
  const session = await record(3);
  await expect
    .poll(() => recorder.heads(), PATIENT)
    .toMatchObject([[ID, expect.any(Number), expect.stringMatching(/^.{43}=$/)]]);
  await session.close('done');
  expect(await recorder.heads()).toEqual([]);
});

it('records nothing more once it is told to refuse, and says why', () => {
  const told: string[] = [];
  recorder.onFailure((sentence) => told.push(sentence));
  recorder.refuse(new CountersignError('DEVICE_LOG_FAILED', 'Nothing is forwarded, because of that.'));
  recorder.refuse(new CountersignError('DEVICE_LOG_FAILED', 'Later.'));
  expect(() => recorder.open(sessionInfo(ID))).toThrow('Nothing is forwarded, because of that.');
  expect([recorder.failure, ...told]).toEqual(Array(2).fill('Nothing is forwarded, because of that.'));
});

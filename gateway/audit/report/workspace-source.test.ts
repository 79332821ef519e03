import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../../recording/test-support.ts';
import { report, TestWorkspaces, take } from '../test-import.ts';
import { workspaceReportSource } from './workspace-source.ts';

const vectors = JSON.parse(
  fs.readFileSync(join(import.meta.dirname, '../../../test/vectors/evidence/stores.json'), 'utf8'),
) as {
  root: string;
  device: string;
  now: string;
  store: Record<string, string>;
  attacks: { name: string; says: string; imports: Record<string, string | null>[] }[];
};
const dir = temporaryFolder('report-source');
let workspaces: TestWorkspaces;
beforeAll(async () => {
  workspaces = await TestWorkspaces.make(dir, vectors.root);
}, 60_000);
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

const everything = { sentence: 'All.', since: null, until: null, devices: [] };

/** The source over what a store held after `attack`. */
async function sourceAfter(attack?: string) {
  const objects = new Map(
    Object.entries(vectors.store).map(([name, text]) => [name, new Uint8Array(Buffer.from(text, 'base64'))]),
  );
  for (const [name, text] of Object.entries(vectors.attacks.find(({ name }) => name === attack)?.imports[0] ?? {})) {
    if (text === null) objects.delete(name);
    else objects.set(name, new Uint8Array(Buffer.from(text, 'base64')));
  }
  const workspace = workspaces.next();
  await take(workspace, objects, Date.parse(vectors.now));
  return workspaceReportSource(
    () => workspace,
    () => report(workspace, Date.parse(vectors.now)),
  );
}

const collect = async <T>(all: AsyncIterable<T>): Promise<T[]> => {
  const out: T[] = [];
  for await (const one of all) out.push(one);
  return out;
};

test('a whole store is complete, each session verified with its device', async () => {
  const source = await sourceAfter();
  const sessions = await collect(source.sessions(everything));
  expect(sessions.map(({ verification }) => verification.ok)).toEqual([true, true]);
  expect(sessions[0]?.device).toContain(vectors.device);
  const { status, devices, sentence } = await source.completeness(everything);
  expect([status, sentence]).toEqual(['complete', expect.stringContaining('was verified from the root of acme')]);
  expect(devices).toMatchObject([{ device: vectors.device, logged: 2, present: 2, missing: [] }]);
});

test('a session that was deleted is missing, and said so', async () => {
  const source = await sourceAfter('a whole session is deleted');
  expect(await collect(source.sessions(everything))).toHaveLength(1);
  const { status, devices, sentence } = await source.completeness(everything);
  expect(status).toBe('incomplete');
  expect(sentence).toContain('1 session that a device’s log names is missing');
  expect(devices[0]).toMatchObject({ logged: 2, present: 1, missing: [expect.stringContaining('session 1 (01JTEST')] });
});

test('what is silent is a gap; another device or time has nothing', async () => {
  const source = await sourceAfter('the recorder is silent');
  const { devices } = await source.completeness(everything);
  expect(devices[0]?.gaps.some(({ sentence }) => sentence.includes('nothing was recorded for'))).toBe(true);
  expect(await collect(source.sessions({ ...everything, devices: ['01JNOBODY'] }))).toEqual([]);
  expect(await collect(source.sessions({ ...everything, since: '2030-01-01T00:00:00.000Z' }))).toEqual([]);
});

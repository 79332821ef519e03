import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatVkey } from '../../evidence/format/vkey.ts';
import { temporaryFolder } from '../../recording/test-support.ts';
import { importStore } from '../import/store.ts';
import { BEGIN, memoryStore, type Objects, root, type TestDevice, TestOrganisation } from '../test-organisation.ts';
import { createWorkspace, openWorkspace, type Workspace } from '../workspace.ts';
import type { AuditReport } from './report.ts';
import { verifyWorkspace } from './verify.ts';

const dir = temporaryFolder('audit-verify');
const DEVICE = '01JTESTDEVCE00000000000001';
const LATER = BEGIN + 30 * 86_400_000;
const devices: TestDevice[] = [];
let valid: Objects = new Map();
let template = '';
let count = 0;

async function organisation(): Promise<{ organisation: TestOrganisation; device: TestDevice }> {
  const organisation = new TestOrganisation();
  organisation.trust();
  const device = organisation.device(DEVICE);
  devices.push(device);
  return { organisation, device };
}

beforeAll(async () => {
  const { organisation: org, device } = await organisation();
  device.publish();
  await device.session('01JTESTSESSQN0000000000001');
  device.publish();
  await device.session('01JTESTSESSQN0000000000002');
  device.stop();
  device.publish();
  valid = org.objects;
  template = join(dir, 'template');
  await createWorkspace(template, { root: formatVkey(root.vkey), name: 'eve', passphrase: 'p' });
}, 60_000);
afterAll(() => {
  for (const device of devices) device.remove();
  fs.rmSync(dir, { recursive: true, force: true });
});

function workspace(): Workspace {
  const folder = join(dir, `w${count++}`);
  fs.cpSync(template, folder, { recursive: true });
  return openWorkspace(folder, () => LATER);
}

async function take(into: Workspace, objects: Objects, now = LATER) {
  const books = into.books('write');
  try {
    return await importStore(into, books, memoryStore(objects), {
      identities: [],
      signal: new AbortController().signal,
      now: () => now,
    });
  } finally {
    books.close();
  }
}

async function verify(of: Workspace, now = LATER): Promise<AuditReport> {
  const books = of.books('read');
  try {
    return await verifyWorkspace(of, books, { now: () => now });
  } finally {
    books.close();
  }
}

const failed = (report: AuditReport) =>
  [
    ...report.checks,
    ...report.devices.flatMap((device) => [...device.checks, ...device.sessions.flatMap(({ checks }) => checks)]),
  ]
    .filter(({ status }) => status === 'failed')
    .map(({ name, sentence }) => `${name}: ${sentence}`);

describe('a store as it should be', () => {
  it('verifies from the root alone', async () => {
    const into = workspace();
    await take(into, valid);
    const report = await verify(into);
    expect(failed(report)).toEqual([]);
    expect(report).toMatchObject({ ok: true, counts: { devices: 1, sessions: 2, verified: 2, failed: 0, missing: 0 } });
  });
});

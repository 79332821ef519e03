import * as fs from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { formatVkey } from '../evidence/format/vkey.ts';
import { temporaryFolder } from '../recording/test-support.ts';
import { TestWorkspaces, take } from './test-import.ts';
import { BEGIN, root, TestOrganisation } from './test-organisation.ts';
import { openWorkspace } from './workspace.ts';

const dir = temporaryFolder('audit-role');
const LATER = BEGIN + 86_400_000;
let workspaces: TestWorkspaces;
beforeAll(async () => {
  workspaces = await TestWorkspaces.make(dir, formatVkey(root.vkey));
}, 60_000);
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

const ALWAYS = { from: '2026-01-01T00:00:00.000Z', until: '2036-01-01T00:00:00.000Z', revoked: null };
const REVOKED = { at: new Date(BEGIN).toISOString(), reason: 'left' };
const HANDED_ON = [
  { type: 'exported', what: 'S1', format: 'csv', to: 'x.csv' },
  { type: 'redacted', sid: 'S1', what: 'a value', why: '' },
  { type: 'retention', what: 'forgot', why: 'old' },
] as const;

/** What happens to who is named so, by role and revocation. */
async function named(...entries: { role: 'auditor' | 'reader'; revoked?: typeof REVOKED }[]): Promise<string[]> {
  const { folder, settings } = workspaces.next();
  const workspace = openWorkspace(folder, () => LATER);
  const organisation = new TestOrganisation();
  const auditors = entries.map(({ role, revoked = null }, i) => ({
    ...ALWAYS,
    revoked,
    role,
    name: `eve ${i}`,
    recipient: settings.recipient,
    vkey: null,
  }));
  organisation.trust({ auditors });
  await take(workspace, organisation.objects, LATER);
  workspace.log.append({ type: 'opened', sid: 'S1', how: 'a test' });
  workspace.log.append({ type: 'searched', words: 'x', found: 0 });
  return HANDED_ON.map((entry) => {
    try {
      workspace.log.append(entry);
      return 'done';
    } catch (error) {
      return String((error as Error).message);
    }
  });
}

it('lets an auditor hand on, and whom no note names', async () => {
  for (const entries of [
    [],
    [{ role: 'auditor' as const }],
    [{ role: 'reader' as const }, { role: 'auditor' as const }],
  ])
    expect(await named(...entries)).toEqual(['done', 'done', 'done']);
});

it('lets a reader look and search, and hand nothing on', async () => {
  for (const said of await named({ role: 'reader' })) expect(said).toContain('names you as a reader');
  const left = { role: 'auditor', revoked: REVOKED } as const;
  for (const said of await named(left, { role: 'reader' })) expect(said).toContain('names you as a reader');
});

it('lets who was revoked hand nothing on', async () => {
  for (const said of await named({ role: 'auditor', revoked: REVOKED })) expect(said).toContain('was revoked');
});

import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { AuditJob, AuditRouteName, AuditRoutes } from '../../contract/audit.ts';
import { auditRoutes, MADE_FILES, sharedRoutes } from '../../contract/audit.ts';
import { verifyBundle } from '../../recording/bundle.ts';
import { temporaryFolder } from '../../recording/test-support.ts';
import { TestWorkspaces } from '../test-import.ts';
import { type Objects, writeStore } from '../test-organisation.ts';
import type { Workspace } from '../workspace.ts';
import { type AuditServer, startAuditServer } from './server.ts';

const vectors = JSON.parse(
  fs.readFileSync(join(import.meta.dirname, '../../../test/vectors/evidence/stores.json'), 'utf8'),
) as {
  root: string;
  device: string;
  store: Record<string, string>;
  attacks: { name: string; says: string; imports: Record<string, string | null>[] }[];
};

/** What a store of the vectors holds, as it is or after an attack. */
function storeOf(attack?: string): Objects {
  const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
  const objects: Objects = new Map(Object.entries(vectors.store).map(([name, text]) => [name, bytes(text)]));
  for (const [name, text] of Object.entries(vectors.attacks.find((one) => one.name === attack)?.imports[0] ?? {})) {
    if (text === null) objects.delete(name);
    else objects.set(name, bytes(text));
  }
  return objects;
}

const dir = temporaryFolder('audit-serve');
let workspaces: TestWorkspaces;
let workspace: Workspace;
let server: AuditServer;
let headers: Record<string, string>;
let made = 0;
const unexpected: unknown[] = [];
const routes = { ...sharedRoutes, ...auditRoutes };

beforeAll(async () => {
  workspaces = await TestWorkspaces.make(dir, vectors.root);
}, 60_000);
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

beforeEach(async () => {
  workspace = workspaces.next();
  const keys = await workspace.unlock('passphrase');
  server = await startAuditServer({
    workspace,
    keys,
    version: '0.1.0',
    consoleDir: join(dir, 'no-console'),
    port: 0,
    unexpected: (error) => unexpected.push(error),
  });
  const reply = await fetch(`${server.url}api/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code: server.newLoginCode() }),
  });
  const { key } = (await reply.json()) as { key: string };
  headers = { cookie: reply.headers.get('set-cookie')!.split(';')[0]!, 'x-countersign-page': key };
});
afterEach(async () => {
  await server.close();
  expect(unexpected).toEqual([]);
});

type Output<N extends AuditRouteName> = ReturnType<AuditRoutes[N]['output']['parse']>;

/** Answers are held to the contract. */
async function call<N extends AuditRouteName>(name: N, input: Record<string, unknown> = {}): Promise<Output<N>> {
  const { method, path, output } = routes[name];
  const rest = { ...input };
  const filled = path.replaceAll(/:(\w+)/g, (_, key: string) => {
    const value = String(rest[key]);
    delete rest[key];
    return value;
  });
  const query = new URLSearchParams(rest as Record<string, string>);
  const url = `${server.url.replace(/\/$/, '')}${filled}${method === 'GET' ? `?${query}` : ''}`;
  const reply = await fetch(url, {
    method,
    headers: { ...headers, ...(method === 'GET' ? {} : { 'content-type': 'application/json' }) },
    ...(method === 'GET' ? {} : { body: JSON.stringify(rest) }),
  });
  const answer = (await reply.json()) as { error?: { code: string; message: string } };
  if (!reply.ok) throw new Error(`${answer.error?.code}: ${answer.error?.message}`);
  return output.parse(answer) as Output<N>;
}

/** Runs a job to its end. */
async function finished(job: AuditJob): Promise<AuditJob> {
  for (;;) {
    const { items } = await call('auditJobs');
    const now = items.find(({ id }) => id === job.id)!;
    if (now.state !== 'running') return now;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function importOf(objects: Objects): Promise<AuditJob> {
  const folder = join(dir, `store-${made++}`);
  writeStore(objects, folder);
  return finished(await call('startImport', { what: folder }));
}

const trail = async () => (await call('auditTrail')).items.map(({ sentence }) => sentence);

test('it says what it is to anybody, and the rest to whoever logged in', async () => {
  expect(await call('host')).toEqual({ host: 'audit' });
  headers = {};
  for (const name of Object.keys(auditRoutes) as (keyof typeof auditRoutes)[]) {
    const { method, path } = auditRoutes[name];
    const reply = await fetch(`${server.url.replace(/\/$/, '')}${path.replaceAll(/:\w+/g, 'x')}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(method === 'GET' ? {} : { body: '{}' }),
    });
    expect([name, reply.status]).toEqual([name, 401]);
  }
  expect((await fetch(`${server.url.replace(/\/$/, '')}${MADE_FILES}x`)).status).toBe(401);
});

test('an empty workspace is no error', async () => {
  expect(await call('auditStatus')).toMatchObject({ organisation: 'acme', sessions: 0, verified: null, keys: true });
  expect(await call('auditDevices')).toEqual({ items: [] });
  expect(await call('auditSessions')).toEqual({ items: [], total: 0 });
  expect(await call('auditImports')).toEqual({ items: [] });
  expect(await call('auditStatements', { text: 'x' })).toEqual({ items: [], total: 0 });
});

test('a store is imported, verified, searched, opened, redacted and reported, and each is in the log', async () => {
  expect(await importOf(storeOf())).toMatchObject({
    state: 'done',
    sentences: [expect.stringContaining('2 sessions')],
  });
  expect(await call('auditImports')).toMatchObject({
    items: [{ ended: expect.any(String), objects: expect.any(Number) }],
  });
  expect((await call('auditStatus')).verified).toBeNull();
  expect((await call('auditSessions')).items.map(({ badge }) => badge)).toEqual(['unverified', 'unverified']);

  expect(await finished(await call('startVerification'))).toMatchObject({
    state: 'done',
    sentences: ['2 of 2 sessions verified, 0 failed, 0 missing.'],
  });
  const { items: devices } = await call('auditDevices');
  expect(devices).toMatchObject([
    { device: vectors.device, name: 'laptop', imported: 2, report: { ok: true, sessions: 2, failed: 0, missing: 0 } },
  ]);
  expect(devices[0]?.report?.checks.find(({ name }) => name === 'completeness')?.sentence).toBe(
    'Sessions 1 to 2 of the device are present.',
  );
  const { items } = await call('auditVerdicts', { device: vectors.device });
  expect(items.map(({ ordinal, ok }) => [ordinal, ok])).toEqual([
    [1, true],
    [2, true],
  ]);
  expect((await call('auditSessions')).items[0]).toMatchObject({ badge: 'verified', of: { device: vectors.device } });

  const found = await call('auditStatements', { text: 'salaries', device: vectors.device });
  expect(found.total).toBeGreaterThan(0);
  expect(found.items[0]?.of?.name).toBe('laptop');
  const { sessionId: id } = found.items[0]!.statement;
  expect(await call('session', { id })).toMatchObject({ id });
  expect((await call('statements', { id })).total).toBeGreaterThan(0);
  const verification = await call('verifySession', { id });
  expect([verification.ok, verification.checks.length > 5]).toEqual([true, true]);

  const choice = { values: ['row 1'] };
  const preview = await finished(await call('startRedaction', { id, choice, preview: true }));
  expect([preview.state, preview.file, preview.redaction?.units.down]).toEqual(['done', null, 1]);
  const written = await finished(await call('startRedaction', { id, choice, why: 'a salary', preview: false }));
  expect(written).toMatchObject({ state: 'done', redaction: preview.redaction, file: { name: `${id}-redacted.tar` } });
  const url = `${server.url.replace(/\/$/, '')}${MADE_FILES}${written.file!.name}`;
  const download = await fetch(url, { headers });
  expect(download.headers.get('content-disposition')).toContain('attachment');
  const bundle = join(dir, 'downloaded.tar');
  fs.writeFileSync(bundle, Buffer.from(await download.arrayBuffer()));
  expect((await verifyBundle(bundle)).ok).toBe(true);
  expect(fs.readFileSync(bundle).includes('row 1')).toBe(false);

  for (const form of ['html', 'pdf']) {
    const report = await finished(await call('startReport', { form, title: 'The first quarter' }));
    expect(report).toMatchObject({ state: 'done', file: { name: expect.stringMatching(`\\.${form}$`) } });
    expect(fs.readFileSync(report.file!.path).subarray(0, 4).toString()).toBe(form === 'pdf' ? '%PDF' : '<!do');
  }
  expect((await call('madeFiles')).items).toHaveLength(3);

  const log = await trail();
  for (const words of [
    'Imported',
    'Verified everything',
    'Searched for salaries',
    `Opened session ${id}`,
    'a salary',
    'as pdf',
  ])
    expect(log.filter((sentence) => sentence.includes(words))).not.toEqual([]);
  expect(fs.existsSync(join(workspace.folder, 'log', 'checkpoints'))).toBe(true);
}, 120_000);

test('a session that was deleted is missing, and there is nothing to open', async () => {
  await importOf(storeOf('a whole session is deleted'));
  await finished(await call('startVerification'));
  const { items } = await call('auditVerdicts', { device: vectors.device, only: 'missing' });
  expect(items).toMatchObject([{ state: 'missing', ok: false }]);
  expect((await call('auditDevices')).items[0]?.report).toMatchObject({ ok: false, missing: 1 });
  await expect(call('session', { id: items[0]!.sid })).rejects.toThrow('SESSION_UNKNOWN');
}, 60_000);

test('a session that was changed is told with what does not fit, and stays viewable', async () => {
  await importOf(storeOf('an event is edited'));
  await finished(await call('startVerification'));
  const { items, total } = await call('auditSessions', { failed: true });
  expect([items.map(({ badge }) => badge), total]).toEqual([['failed'], 1]);
  const { id } = items[0]!.session;
  expect((await call('statements', { id })).total).toBeGreaterThan(0);
  const { ok, checks } = await call('verifySession', { id });
  expect(ok).toBe(false);
  expect(checks.filter(({ status }) => status === 'failed')).not.toEqual([]);
}, 60_000);

test('what goes wrong is told by the job, and another one can start', async () => {
  await expect(call('startImport', { what: join(dir, 'nowhere') })).rejects.toThrow('AUDIT_NO_SOURCE');
  await importOf(storeOf());
  const { items } = await call('auditSessions');
  const { id } = items[0]!.session;
  const nothing = await finished(
    await call('startRedaction', { id, choice: { values: ['is not in there'] }, preview: true }),
  );
  expect(nothing).toMatchObject({ state: 'failed', error: { code: 'REDACT_NOTHING' } });
  const elsewhere = { id: '..%2F..%2Felsewhere', choice: { values: ['x y z'] }, preview: false };
  await expect(call('startRedaction', elsewhere)).rejects.toThrow('SESSION_UNKNOWN');
  const running = await call('startVerification');
  await expect(call('startVerification')).rejects.toThrow('AUDIT_BUSY');
  await call('stopJob', { id: running.id });
  expect((await finished(running)).state).toMatch(/stopped|done/);
}, 60_000);

test('searches are kept by name until they are forgotten', async () => {
  await call('saveSearch', { name: 'deletes', filter: { text: 'delete', verdict: 'asked' } });
  await call('saveSearch', { name: 'deletes', filter: { text: 'delete' } });
  expect(await call('savedSearches')).toEqual({ items: [{ name: 'deletes', filter: { text: 'delete' } }] });
  expect(await call('forgetSearch', { name: 'deletes' })).toEqual({ items: [] });
});

test('only files that were made here are given out', async () => {
  fs.writeFileSync(join(workspace.folder, 'made', 'note.txt'), 'x');
  const base = server.url.replace(/\/$/, '') + MADE_FILES;
  expect((await fetch(`${base}note.txt`, { headers })).status).toBe(200);
  for (const name of ['..%2Fworkspace.json', '%2e%2e%2fworkspace.json', '.hidden', 'other']) {
    expect([name, (await fetch(`${base}${name}`, { headers })).status]).toEqual([name, 404]);
  }
});

test('sessions are exported for other tools, whole or not at all, and each is in the log', async () => {
  await importOf(storeOf());
  const { items } = await call('auditSessions');
  const id = items[0]!.session.id;
  const sqlite = await finished(await call('startExport', { sessions: [id], format: 'ocsf' }));
  expect(sqlite).toMatchObject({ state: 'done', file: { name: `${id}.ocsf.jsonl` } });
  const lines = fs.readFileSync(sqlite.file!.path, 'utf8').trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ class_uid: expect.any(Number) });
  const all = items.map(({ session }) => session.id);
  const every = await finished(await call('startExport', { sessions: all, format: 'jsonl' }));
  const told = fs.readFileSync(every.file!.path, 'utf8').trimEnd().split('\n');
  expect(told.filter((line) => JSON.parse(line).type === 'session')).toHaveLength(all.length);
  const cast = await finished(await call('startExport', { sessions: [id], format: 'asciicast' }));
  expect(JSON.parse(fs.readFileSync(cast.file!.path, 'utf8').split('\n')[0]!)).toMatchObject({ version: 3 });
  expect((await trail()).join('\n')).toContain(id);

  await expect(call('startExport', { sessions: [id], format: 'csv' })).rejects.toThrow('AUDIT_EXPORT_STATEMENT');
  await expect(call('startExport', { sessions: ['../x'], format: 'jsonl' })).rejects.toThrow('SESSION_UNKNOWN');
  await expect(call('startExport', { sessions: [id, id], format: 'asciicast' })).rejects.toThrow('AUDIT_EXPORT_SINGLE');
  const before = (await call('madeFiles')).items.length;
  const none = await finished(await call('startExport', { sessions: [id], format: 'csv', statement: 99_999 }));
  expect([none.state, none.error?.code, none.file]).toEqual(['failed', 'STATEMENT_UNKNOWN', null]);
  expect((await call('madeFiles')).items).toHaveLength(before);
});

test('the alert rules are asked about what was imported, and what they found stays', async () => {
  expect(await call('auditAlerts')).toEqual({ items: [], total: 0, at: null, more: false });
  await importOf(storeOf());
  fs.writeFileSync(
    join(workspace.folder, 'alerts.json'),
    JSON.stringify({
      version: 1,
      rules: [
        { id: 'all', title: 'Anything', when: "event.kind == 'session-opened'", severity: 'critical', quietMinutes: 0 },
      ],
    }),
  );
  const job = await finished(await call('startAlerts'));
  const found = await call('auditAlerts');
  expect([job.state, job.error]).toEqual(['done', null]);
  expect(found.at).not.toBeNull();
  const critical = await call('auditAlerts', { severity: 'critical' });
  expect(critical.items.map(({ device, rule }) => [device, rule.id])).toEqual([
    [vectors.device, 'all'],
    [vectors.device, 'all'],
  ]);
  expect(found.total).toBeGreaterThanOrEqual(2);
  fs.writeFileSync(join(workspace.folder, 'found-alerts.json'), '{');
  expect(await call('auditAlerts')).toMatchObject({ total: 0, at: null });
});

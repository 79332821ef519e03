import { hash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createControlClient } from '../../../gateway/control/client.ts';
import { PolicyFiles } from '../../../gateway/policy/policy-files.ts';
import { verifyBundle } from '../../../gateway/recording/bundle.ts';
import { startService } from '../../../gateway/service.ts';
import { openFolderTarget } from '../../../gateway/sync/targets/folder.ts';
import { component } from '../../components.ts';
import { runCountersign } from '../../support/gateway.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { ALLOW_ALL, superuserConnection } from '../../support/service.ts';
import { eventually, runClient } from '../../support/side-by-side.ts';
import { launch, noChromium } from '../console/console-page.ts';
import { type AuditConsole, goTo, importFrom, serveWorkspace, takeShots, verifyEverything } from './audit-console.ts';

const psql = component('psql');
const missing = noChromium || psql.missing;
const PASSPHRASE = 'a passphrase for tests';

/** What psql did through a gateway, from its team's store to a redacted bundle and a report, in a browser. */
describe.skipIf(missing)(`the auditor’s console over a real store${missing ? ` (${missing})` : ''}`, () => {
  let work: string;
  let postgres: TestPostgres;
  let browser: Browser;
  let opened: AuditConsole;
  let page: Page;
  const at = (name: string) => join(work, name);
  const secret = () => ['--passphrase-file', at('passphrase')];

  async function countersign(...args: string[]): Promise<string> {
    const { code, out, err } = await runCountersign(at('laptop'), args);
    expect({ args, code, err: code === 0 ? '' : err + out }).toEqual({ args, code: 0, err: '' });
    return out;
  }

  /** An organisation, its auditor, a laptop that joined it, and the folder that is its store. */
  async function setUp(): Promise<void> {
    writeFileSync(at('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
    writeFileSync(at('root'), await countersign('trust', 'init', 'acme', '--trust', at('trust'), ...secret()));
    await countersign(
      'audit',
      'init',
      '--workspace',
      at('auditor'),
      '--root',
      at('root'),
      '--name',
      'eve',
      ...secret(),
    );
    const { recipient, vkey } = JSON.parse(readFileSync(join(at('auditor'), 'workspace.json'), 'utf8'));
    const next = ['--trust', at('trust'), ...secret(), '--yes'];
    const auditor = ['--role', 'auditor', '--recipient', recipient, '--vkey', vkey];
    await countersign('trust', 'auditor', 'add', 'eve', ...auditor, ...next);
    await countersign('trust', 'authority', 'create', 'berlin', '--to', at('berlin.key'), ...secret());
    await countersign('trust', 'authority', 'add', at('berlin.key.pub'), ...next);
    await openFolderTarget({ kind: 'folder', path: at('store') }).setUp(AbortSignal.timeout(10_000));
    await countersign('trust', 'publish', at('store'), '--trust', at('trust'));
    const key = ['--no-keyring', ...secret()];
    await countersign('device', 'enrol', '--root', at('root'), '--request', at('request'), ...key);
    const enrol = ['--key', at('berlin.key'), '--trust', at('trust'), '--to', at('store'), ...secret(), '--yes'];
    await countersign('trust', 'enrol', at('request'), ...enrol);
    await countersign('device', 'enrol', '--trust', at('store'), '--accept', at('store'), ...key);
  }

  /** Runs statements through a gateway until all of it is in the store. */
  async function record(): Promise<void> {
    const target = { kind: 'folder', path: at('store') };
    writeFileSync(
      join(at('laptop'), 'sync.json'),
      JSON.stringify({ version: 1, store: { id: '0123456789abcdef', target } }),
    );
    new PolicyFiles(join(at('laptop'), 'policy')).writeActive(ALLOW_ALL, hash('sha256', ALLOW_ALL));
    const service = await startService({
      home: at('laptop'),
      postgresPort: 0,
      controlPort: 0,
      devicePassphrase: async () => PASSPHRASE,
    });
    try {
      const { secret: password, ...connection } = superuserConnection(postgres);
      await service.registerDemo(connection, password);
      const control = createControlClient({ socketPath: service.control.socketPath });
      for (const sql of [SQL, "UPDATE people SET salary = 71 WHERE name = 'Ada'"]) {
        const { env } = await control.call('mintToken', { id: 'demo' });
        const run = await runClient(psql.path, ['-X', '-c', sql], { ...process.env, ...env });
        expect(run).toMatchObject({ code: 0 });
      }
      await eventually('everything in the store', async () => {
        const { state, queue } = await control.call('syncNow', {});
        return state === 'up-to-date' && queue.bytes === 0 && queue.sessions === 0 ? true : null;
      });
    } finally {
      await service.close('the test goes on');
    }
  }
  const SQL = 'SELECT name, remark, salary FROM people ORDER BY name';

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'cs-console-'));
    for (const name of ['laptop', 'store']) mkdirSync(at(name));
    chmodSync(at('laptop'), 0o700);
    postgres = await startPostgres();
    await postgres.query(`CREATE TABLE people (name text, remark text, salary int)`);
    await postgres.query(`INSERT INTO people VALUES ('Ada', 'plum pudding', 70), ('Grace', 'a quiet one', 90)`);
    await setUp();
    await record();
    browser = await launch();
    opened = await serveWorkspace(browser, at('auditor'), at('passphrase'));
    page = opened.page;
  }, 600_000);
  afterAll(async () => {
    await opened?.stop();
    await browser?.close();
    await postgres?.stop();
    rmSync(work, { recursive: true, force: true });
  });

  test('a store is imported, decrypted with the auditor’s key, and verifies from the root', async () => {
    await importFrom(page, at('store'));
    await page.getByText(/of 2 sessions\./).waitFor();
    await verifyEverything(page);
    await page.getByText('2 of 2 sessions hold').waitFor();
    await page.getByText('Sessions 1 to 2 of the device are present.').waitFor();
    await page
      .getByRole('button', { name: /^Verified/ })
      .last()
      .click();
    await page.getByRole('dialog').getByText('Holds: completeness').waitFor();
    await page.keyboard.press('Escape');
  }, 300_000);

  test('a search finds the statement by its words and its table, and is kept by a name', async () => {
    await goTo(page, 'Sessions');
    await page.getByText('2 sessions', { exact: true }).waitFor();
    await page.getByLabel('Words in statements').fill('salary');
    await page.getByText('2 statements', { exact: true }).waitFor();
    await page.getByLabel('Words in statements').fill('remark');
    await page.getByText('1 statement', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Save this search' }).click();
    await page.getByLabel('Name').fill('who-saw-remarks');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByText('2 sessions', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'who-saw-remarks', exact: true }).click();
    await page.getByText('1 statement', { exact: true }).waitFor();
  }, 300_000);

  test('what was found replays as on the gateway, verified by a badge that says why', async () => {
    await page.getByRole('list', { name: 'Statements' }).getByRole('link').first().click();
    await page.getByText('plum pudding').waitFor();
    await page.getByRole('slider', { name: 'Position' }).waitFor();
    expect(await page.getByRole('button', { name: 'Cut connection' }).count()).toBe(0);
    await page.getByRole('button', { name: /^Verified/ }).click();
    await page
      .getByRole('dialog')
      .getByText(/Holds: /)
      .first()
      .waitFor();
    await page.keyboard.press('Escape');
  }, 300_000);

  test('a value that is chosen is gone from the bundle, which says what went with it and still verifies', async () => {
    await page.getByRole('button', { name: 'Redact' }).click();
    await page.getByRole('button', { name: 'plum pudding' }).click();
    await page.getByRole('list', { name: 'Chosen' }).getByText('plum pudding').waitFor();
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.getByText('Preview: Done').waitFor();
    await page.getByText('1 statement can no longer be shown whole').waitFor();
    const redaction = page.url().replace(opened.url, '/');
    await takeShots(opened, [
      {
        name: 'redact',
        path: redaction,
        ready: 'plum pudding',
        before: async () => {
          await page.getByRole('button', { name: 'Redact' }).click();
          await page.getByLabel('A value, everywhere it stands').fill('plum pudding');
          await page.keyboard.press('Enter');
          await page.getByRole('button', { name: 'Preview' }).click();
          await page.getByText('1 statement can no longer be shown whole').waitFor();
        },
      },
    ]);
    await page.getByLabel('Why (for your log)').fill('not for the external auditor');
    await page.getByRole('button', { name: 'Write the bundle' }).click();
    await page.getByText('Redaction: Done').waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: /^Download / }).click();
    const bundle = await (await download).path();
    expect((await verifyBundle(bundle)).ok).toBe(true);
    expect(readFileSync(bundle).includes('plum pudding')).toBe(false);
    // Whoever is given it needs nothing but the root.
    const other = ['--workspace', at('external')];
    await countersign('audit', 'init', ...other, '--root', at('root'), '--name', 'external', ...secret());
    copyFileSync(bundle, at('redacted.tar'));
    await countersign('audit', 'import', at('redacted.tar'), ...other, '--no-keys');
    expect(await countersign('audit', 'verify', ...other)).toContain('1 of 1 session of 1 device verified');
  }, 300_000);

  test('a column is chosen by its heading, and what a detector finds by its name', async () => {
    await page.getByRole('button', { name: 'Take out column salary' }).click();
    await page.getByRole('list', { name: 'Chosen' }).getByText('Column salary').waitFor();
    await page.getByRole('button', { name: 'Do not take out Column salary' }).click();
    await page.getByRole('button', { name: 'Take out statement' }).click();
    await page.getByText('The choice changed since this preview.').waitFor();
    await page.getByRole('button', { name: 'Leave redaction' }).click();
  }, 300_000);

  test('the session is exported for other tools, and a file of one result holds the statement that is shown', async () => {
    await page.getByRole('button', { name: 'Export' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('combobox', { name: 'Format' }).click();
    await page.getByRole('option', { name: 'OCSF events (JSON)' }).click();
    await dialog.getByRole('button', { name: 'Write the file' }).click();
    await dialog.getByText('Export: Done').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      dialog.getByRole('button', { name: /^Download .*\.ocsf\.jsonl$/ }).click(),
    ]);
    const events = readFileSync(await download.path(), 'utf8')
      .trimEnd()
      .split('\n');
    expect(events.map((line) => JSON.parse(line).class_uid as number).every((uid) => uid > 0)).toBe(true);
    await dialog.getByRole('combobox', { name: 'Format' }).click();
    await page.getByRole('option', { name: 'CSV, one result' }).click();
    await dialog.getByText(/The result of statement \d+, which is shown now\./).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  test('the rules are asked about what was imported, and an alert leads to its session', async () => {
    await goTo(page, 'Alerts');
    await page.getByText('Nobody looked yet').waitFor();
    await page.getByRole('button', { name: 'Look for alerts' }).click();
    // The tables were touched for the first time.
    await page.getByRole('list', { name: 'Alerts' }).getByRole('link').first().waitFor();
    await page.getByRole('button', { name: 'Look again' }).waitFor();
    await page.getByRole('combobox', { name: 'Severity' }).click();
    await page.getByRole('option', { name: 'Critical' }).click();
    await page.getByText('The rules found nothing').waitFor();
  });

  test('a report is made as PDF and as HTML, and downloaded', async () => {
    await goTo(page, 'Report');
    await page.getByLabel('Title').fill('The first quarter');
    for (const form of ['PDF', 'HTML']) {
      await page.getByText(form, { exact: true }).click();
      await page.getByRole('button', { name: 'Make the report' }).click();
      await page
        .getByRole('region', { name: 'Report' })
        .getByText(new RegExp(`report-\\S+\\.${form.toLowerCase()}`))
        .first()
        .waitFor();
    }
    const download = page.waitForEvent('download');
    await page
      .getByRole('button', { name: /^Download report-.*pdf$/ })
      .first()
      .click();
    expect(
      readFileSync(await (await download).path())
        .subarray(0, 4)
        .toString(),
    ).toBe('%PDF');
  }, 300_000);

  test('all of it is in the auditor’s own log', async () => {
    await goTo(page, 'Log');
    for (const words of [
      'not for the external auditor',
      'Searched for remark',
      'Opened session',
      'Verified everything',
    ]) {
      await page.getByText(words).first().waitFor();
    }
  }, 300_000);

  test('every screen in both themes, wide and narrow', async () => {
    const session = await page.evaluate(async () => {
      const headers = { 'x-countersign-page': localStorage.getItem('countersign.page-key') ?? '' };
      const reply = await fetch('/api/audit/sessions', { headers });
      return ((await reply.json()) as { items: { session: { id: string }; of: { device: string } }[] }).items[1]!;
    });
    await takeShots(opened, [
      { name: 'devices', path: '/devices', ready: '2 of 2 sessions hold' },
      { name: 'device', path: `/devices/${session.of.device}`, ready: '2 sessions' },
      { name: 'imports', path: '/imports', ready: 'Import: Done' },
      { name: 'alerts', path: '/alerts', ready: 'looked for' },
      { name: 'sessions', path: '/audit/sessions', ready: 'who-saw-remarks' },
      { name: 'search', path: '/audit/sessions?text=salary&agent=psql', ready: '2 statements' },
      { name: 'session', path: `/sessions/${session.session.id}?at=0`, ready: 'Sent / received' },
      { name: 'report', path: '/report', ready: 'Report: Done' },
      { name: 'log', path: '/log', ready: 'Searched for' },
    ]);
    expect(opened.complaints).toEqual([]);
  }, 600_000);
});

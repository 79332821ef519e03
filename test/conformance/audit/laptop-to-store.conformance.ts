import { execFileSync } from 'node:child_process';
import { hash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sourceOf } from '../../../gateway/audit/import/sources.ts';
import { importStore } from '../../../gateway/audit/import/store.ts';
import { failures, report } from '../../../gateway/audit/test-import.ts';
import type { AuditReport } from '../../../gateway/audit/verify/report.ts';
import { openWorkspace } from '../../../gateway/audit/workspace.ts';
import { type ControlClient, createControlClient } from '../../../gateway/control/client.ts';
import { rootVkey } from '../../../gateway/evidence/trust/test-trust.ts';
import { PolicyFiles } from '../../../gateway/policy/policy-files.ts';
import { type Service, startService } from '../../../gateway/service.ts';
import type { S3Config } from '../../../gateway/sync/targets/config.ts';
import { openTarget } from '../../../gateway/sync/targets/open-target.ts';
import { s3Client } from '../../../gateway/sync/targets/s3-client.ts';
import { secretsOf } from '../../../gateway/sync/targets/secrets.ts';
import { component } from '../../components.ts';
import { devicePassphrase, enrolDevice } from '../../support/enrolled-device.ts';
import { runCountersign } from '../../support/gateway.ts';
import { startSshd, type TestSshd } from '../../support/openssh.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { type Developer, makeDeveloper } from '../../support/protected.ts';
import { startRadosgw, type TestRadosgw } from '../../support/radosgw.ts';
import { ALLOW_ALL, superuserConnection } from '../../support/service.ts';
import { eventually, runClient, setTestPin, TEST_PIN } from '../../support/side-by-side.ts';
import { anyTime, body, names } from '../../support/store-target.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';

/** A gateway with a store on another machine's server, and an auditor who has nothing but the root and that server. */
const psql = component('psql');
const PASSPHRASE = 'a passphrase for tests';

class Scene {
  readonly work = mkdtempSync(join(tmpdir(), 'cs-laptop-'));
  readonly #postgres: TestPostgres;
  #service: Service | null = null;
  device = '';
  note: Uint8Array = new Uint8Array(0);

  private constructor(postgres: TestPostgres) {
    this.#postgres = postgres;
  }

  static async make(): Promise<Scene> {
    const scene = new Scene(await startPostgres());
    writeFileSync(scene.at('root'), rootVkey);
    writeFileSync(scene.at('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
    mkdirSync(scene.at('laptop'), { mode: 0o700 });
    await scene.audit('init', '--root', scene.at('root'), '--name', 'eve', '--passphrase-file', scene.at('passphrase'));
    const { recipient } = JSON.parse(readFileSync(scene.at('auditor/workspace.json'), 'utf8')) as { recipient: string };
    Object.assign(scene, await enrolDevice(scene.at('laptop'), recipient));
    new PolicyFiles(scene.at('laptop/policy')).writeActive(ALLOW_ALL, hash('sha256', ALLOW_ALL));
    return scene;
  }

  at(name: string): string {
    return join(this.work, name);
  }

  async start(): Promise<ControlClient> {
    const service = await startService({ home: this.at('laptop'), postgresPort: 0, controlPort: 0, devicePassphrase });
    this.#service = service;
    const { secret, ...connection } = superuserConnection(this.#postgres);
    await service.registerDemo(connection, secret);
    const control = createControlClient({ socketPath: service.control.socketPath });
    await setTestPin({ control, service });
    return control;
  }

  async runSession(control: ControlClient, n: number): Promise<void> {
    const { env } = await control.call('mintToken', { id: 'demo' });
    const args = ['-X', '-A', '-t', '-c', `SELECT 'salary ' || ${n}`];
    expect((await runClient(psql.path, args, { ...process.env, ...env })).out).toContain(`salary ${n}`);
  }

  /** `countersign audit` on the auditor's machine. */
  async audit(...args: string[]): Promise<{ out: string; err: string }> {
    const env = { ...process.env, COUNTERSIGN_AUDIT: this.at('auditor') };
    const { code, out, err } = await runCountersign(this.work, ['audit', ...args], '', env);
    expect({ args, code, said: code === 0 ? '' : err + out }).toEqual({ args, code: 0, said: '' });
    return { out, err };
  }

  async stop(): Promise<void> {
    await this.#service?.close('the test is over');
    await this.#postgres.stop();
    rmSync(this.work, { recursive: true, force: true });
  }
}

/** The log's entries on the laptop's own disk. */
function logOf(scene: Scene): string[] {
  const bytes = readFileSync(scene.at('laptop/device/log/entries'));
  const entries: string[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const end = at + 8 + bytes.readUInt32BE(at);
    entries.push(bytes.toString('utf8', at + 8, end));
    at = end;
  }
  return entries;
}

/** Until every object of so many sessions is there, and a checkpoint over all that the log says of them. */
async function everything(
  scene: Scene,
  control: ControlClient,
  sessions: number,
  names: () => string[] | Promise<string[]>,
): Promise<void> {
  const size = await eventually('the sessions in the log', () => {
    const log = logOf(scene);
    return log.filter((entry) => entry.includes('"type":"session-closed"')).length === sessions ? log.length : null;
  });
  const wait = async () => {
    const { state, queue } = await control.call('syncStatus', {});
    if (state !== 'up-to-date' || queue.objects > 0) return null;
    const sizes = (await names()).map((name) => Number(/\/checkpoint\.(\d+)/.exec(name)?.[1] ?? 0));
    return Math.max(...sizes) >= size ? true : null;
  };
  await eventually('everything in the store', wait, 120);
}

const noBox = psql.missing || component('sshd').missing || (process.getuid?.() === 0 ? false : 'needs root');
describe.skipIf(noBox)('through a drop box that nobody can look into (needs psql, sshd and root)', () => {
  let scene: Scene;
  let user: Developer;
  let box: TestSshd;
  let reader: TestSshd;
  let network: TcpProxy;

  beforeAll(async () => {
    scene = await Scene.make();
    user = makeDeveloper();
    // An account without a password counts as locked to sshd.
    execFileSync('usermod', ['--password', '*', user.name]);
    const sshd = component('sshd').path;
    const account = { name: user.name, uid: user.uid, gid: user.uid };
    box = await startSshd(sshd, { kind: 'blind-drop-box', user: account });
    reader = await startSshd(sshd, { kind: 'plain' });
    network = await startTcpProxy(box);
    mkdirSync(join(box.folder, 'acme', scene.device), { recursive: true });
    execFileSync('chown', ['-R', user.name, box.folder]);
    mkdirSync(join(box.folder, 'acme', 'trust'));
    writeFileSync(join(box.folder, 'acme', 'trust', '000001.note'), scene.note);
  });
  afterAll(async () => {
    await scene?.stop();
    await network?.stop();
    await box?.stop();
    await reader?.stop();
    user?.remove();
  });

  const files = () =>
    readdirSync(box.folder, { recursive: true, withFileTypes: true }).flatMap((one) =>
      one.isFile()
        ? [
            join(one.parentPath, one.name)
              .slice(box.folder.length + 1)
              .replaceAll(',', '/'),
          ]
        : [],
    );

  /** Cuts the network when the first object of each kind was begun. @returns the kinds that are left. */
  function cutEach(kinds: readonly RegExp[]): { left: Set<RegExp>; stop(): void } {
    const left = new Set(kinds);
    let healing = false;
    const timer = setInterval(() => {
      if (healing) return;
      const [name, kind] =
        files().flatMap((one) => [...left].flatMap((of) => (of.test(one) ? [[one, of]] : [])))[0] ?? [];
      if (name === undefined) return;
      network.cut();
      left.delete(kind as RegExp);
      healing = true;
      setTimeout(() => {
        network.restore();
        healing = false;
      }, 200);
    }, 5);
    return { left, stop: () => clearInterval(timer) };
  }

  it('objects of every kind arrive, though the upload of the first of each was cut', async () => {
    const control = await scene.start();
    const cut = cutEach([/\/identity\//, /\/log\/tile\//, /\/log\/checkpoint\./, /\/part-/]);
    const target = {
      kind: 'sftp',
      host: box.host,
      port: network.port,
      user: box.user,
      path: box.path,
      hostKeys: [box.hostKey],
      auth: { method: 'key-file', file: box.keyFile },
    };
    await control.call('setUpSync', { setup: { target, bandwidth: 8192 }, pin: TEST_PIN });
    for (const n of [1, 2]) await scene.runSession(control, n);
    await everything(scene, control, 2, files);
    cut.stop();
    expect([...cut.left]).toEqual([]);
    const again = files().filter((name) => /\.r\d+(\.tar\.age)?$/.test(name));
    for (const kind of ['/identity/', '/log/tile/', '/log/checkpoint.', '/part-'])
      expect(again.join('\n')).toContain(kind);
  });

  it('and the auditor imports them over SFTP, and they verify from the root alone', async () => {
    const store = {
      kind: 'sftp',
      host: reader.host,
      port: reader.port,
      user: reader.user,
      path: box.folder,
      hostKeys: [reader.hostKey],
      auth: { method: 'key-file', file: reader.keyFile },
    };
    writeFileSync(scene.at('store.json'), JSON.stringify(store));
    const secret = ['--passphrase-file', scene.at('passphrase')];
    const { out, err } = await scene.audit('import', scene.at('store.json'), ...secret);
    expect(out).toContain('2 sessions');
    expect(err).toMatch(/objects?: are not whole; kept as they are/);
    const found = JSON.parse((await scene.audit('verify', '--json')).out) as AuditReport;
    expect(found).toMatchObject({ ok: true, counts: { devices: 1, sessions: 2, verified: 2, missing: 0 } });
    expect((await scene.audit('import', scene.at('store.json'), ...secret)).out).toContain('0 new');
  });
});

const radosgw = component('radosgw');
describe.skipIf(psql.missing || radosgw.missing)('through a bucket with Object Lock (needs psql and radosgw)', () => {
  let scene: Scene;
  let server: TestRadosgw;
  const secrets = new Map<string, string>();
  const vault = { read: async (id: string) => secrets.get(id) ?? null };
  let config: S3Config;

  async function put(key: string | undefined, bytes: Uint8Array, headers: Record<string, string> = {}) {
    const client = s3Client(config, secretsOf(vault), () => new Date());
    const { size, sha256, open } = body(bytes);
    const sent = { size, sha256: Buffer.from(sha256).toString('hex'), open };
    const answer = await client.send(
      { method: 'PUT', ...(key === undefined ? {} : { key }), headers, body: sent },
      anyTime(),
    );
    answer.bytes.resume();
    client.close();
    expect(answer.status).toBe(200);
  }

  beforeAll(async () => {
    [scene, server] = await Promise.all([Scene.make(), startRadosgw(radosgw.path)]);
    secrets.set('store/s3', server.secretAccessKey);
    config = {
      kind: 's3',
      endpoint: `http://127.0.0.1:${server.port}`,
      bucket: `b-${randomBytes(6).toString('hex')}`,
      region: 'us-east-1',
      accessKeyId: server.accessKeyId,
      secretAccessKey: 'store/s3',
      pathStyle: true,
      lock: { mode: 'COMPLIANCE', days: 1 },
    };
    await put(undefined, new Uint8Array(0), { 'x-amz-bucket-object-lock-enabled': 'true' });
    await put('acme/trust/000001.note', scene.note);
  });
  afterAll(async () => {
    await scene?.stop();
    await server?.stop();
  });

  it('everything arrives, though the server is killed in the middle', async () => {
    const control = await scene.start();
    const setup = { target: config, bandwidth: 16_384, secrets: { 'store/s3': server.secretAccessKey } };
    await control.call('setUpSync', { setup, pin: TEST_PIN });
    await scene.runSession(control, 1);
    await eventually('something on its way', async () =>
      (await control.call('syncStatus', {})).queue.objects > 0 ? true : null,
    );
    await server.kill();
    await scene.runSession(control, 2);
    await eventually('that it says so', async () =>
      (await control.call('syncStatus', {})).lastError?.sentence.includes('127.0.0.1') ? true : null,
    );
    await server.start();
    await scene.runSession(control, 3);
    const store = openTarget(config, vault);
    await everything(scene, control, 3, () => names(store));
    await store.close();
    expect((await control.call('syncStatus', {})).findings).toEqual([]);
  });

  it('and the auditor imports it, and it verifies from the root alone', async () => {
    writeFileSync(scene.at('store.json'), JSON.stringify(config));
    const source = sourceOf(scene.at('store.json'), vault);
    if (source.kind !== 'store') throw new Error('this is a store');
    const workspace = openWorkspace(scene.at('auditor'));
    const { identity } = await workspace.unlock(PASSPHRASE);
    const take = async () => {
      const store = source.open();
      const books = workspace.books('write');
      const outcome = await importStore(workspace, books, store, { identities: [identity], signal: anyTime() });
      books.close();
      await store.close();
      return outcome;
    };
    const none = { unread: 0, torso: 0, changed: 0, refused: 0 };
    const first = await take();
    expect(first).toMatchObject({ notGiven: [], foreign: [], unusual: none });
    expect(first.touched.size).toBe(3);
    const found = await report(workspace, Date.now());
    expect(failures(found)).toEqual([]);
    expect(found).toMatchObject({ ok: true, counts: { devices: 1, sessions: 3, verified: 3, missing: 0 } });
    expect(await take()).toMatchObject({ fresh: 0, unusual: none });
  });
});

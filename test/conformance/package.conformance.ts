import { execFile, spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controlSocketPath } from '../../gateway/cli/home.ts';
import { createControlClient } from '../../gateway/control/client.ts';
import { TestAuthenticator } from '../../gateway/identity/passkeys/test-authenticator.ts';
import { createConsoleSession } from '../../main/gateway/console-session.ts';
import { findGateway, type Program, startGateway } from '../../main/gateway/process.ts';
import { createSocketCall } from '../../main/gateway/socket.ts';
import { createPageHandler } from '../../main/pages/handler.ts';
import { component } from '../components.ts';
import { fusesOf, writeElectronDouble } from '../support/electron-double.ts';
import { freshHome, removeHome } from '../support/gateway.ts';
import { ALLOW_ALL, startTestService } from '../support/service.ts';
import { eventually, startClient, TEST_PIN } from '../support/side-by-side.ts';

/**
 * The product as it is packaged, with a double in the place of Electron's runtime, which cannot be had
 * everywhere: what runs under the product's own Node is real, and is tried from a folder far from the checkout.
 */
const psql = component('psql');
const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);
let folder: string;
let unpacked: string;
let copy: string;
const homes: string[] = [];
const pids: number[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cs-package-'));
  writeElectronDouble(join(folder, 'electron'), '45.4.1');
  const { ELECTRON_DIST: _, ...env } = process.env;
  await run(process.execPath, [join(root, 'build/package.ts'), '--linux', 'dir', '--out', join(folder, 'out')], {
    env: { ...env, ELECTRON_DIST: join(folder, 'electron') },
    maxBuffer: 16 * 1024 * 1024,
  });
  unpacked = join(folder, 'out/package/linux-unpacked');
  copy = join(folder, 'elsewhere', 'Countersign here');
  cpSync(join(unpacked, 'resources/countersign'), copy, { recursive: true });
}, 400_000);
afterAll(() => {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended as it should.
    }
  }
  for (const home of homes) removeHome(home);
  rmSync(folder, { recursive: true, force: true });
});

function home(): string {
  const made = freshHome();
  homes.push(made);
  return made;
}
/** Nothing of the checkout's environment: what npm puts on PATH neither. */
const bare = (made: string) => ({ PATH: '/usr/bin:/bin', HOME: folder, COUNTERSIGN_HOME: made, LC_ALL: 'C.UTF-8' });

describe('the packaged app', () => {
  it('has only what is bundled in its archive, and the fuses set', () => {
    const archive = readFileSync(join(unpacked, 'resources/app.asar'));
    const length = archive.readUInt32LE(12);
    const { files } = JSON.parse(archive.toString('utf8', 16, 16 + length)) as { files: object };
    expect(Object.keys(files).sort()).toEqual(['index.js', 'package.json', 'preload.cjs']);
    // runAsNode, cookieEncryption, nodeOptions, nodeCliInspect, asarIntegrity, onlyLoadAppFromAsar, …, fileProtocol
    expect(fusesOf(readFileSync(join(unpacked, 'countersign-desktop'))).slice(0, 8)).toBe('01001100');
  });

  it('brings what the app looks for beside it, and nothing to build or test with', () => {
    for (const path of [
      'bin/node',
      'bin/countersign',
      'gateway/index.ts',
      'renderer/dist/index.html',
      'build/icons/tray-waiting.png',
      'deploy/countersign.service',
    ]) {
      expect([path, existsSync(join(copy, path))]).toEqual([path, true]);
    }
    const packages = readdirSync(join(copy, 'node_modules'));
    for (const name of ['vite', 'typescript', 'electron', 'react', 'vitest']) expect(packages).not.toContain(name);
  });
});

describe('a recorded command, far from the checkout', () => {
  it.each([
    ['as hooks start it', ['bin/node', 'gateway/bin/countersign.mjs']],
    ['as a person does', ['bin/countersign']],
  ])(
    '%s',
    async (_how, [program = '', ...entry]) => {
      const gateway = await startTestService({ connections: [], policy: ALLOW_ALL });
      try {
        const args = [...entry.map((path) => join(copy, path)), 'exec', '--', 'sh', '-c', 'echo recorded; exit 3'];
        const env = { ...bare(home()), COUNTERSIGN_SOCKET: gateway.service.control.socketPath };
        const done = await run(join(copy, program), args, { env, cwd: folder }).catch((error: unknown) => error);
        expect(done).toMatchObject({ code: 3, stdout: 'recorded\n' });
      } finally {
        await gateway.stop();
      }
    },
    60_000,
  );
});

describe.skipIf(psql.missing)('the packaged gateway, far from the checkout', () => {
  it('plays the demo through, and its recording verifies and replays', () => {
    const { status, stdout, stderr } = spawnSync(join(copy, 'bin/countersign'), ['demo', '--expire-after', '3'], {
      env: bare(home()),
      encoding: 'utf8',
      timeout: 180_000,
      cwd: folder,
    });
    expect(stderr).not.toContain('Not as it should be');
    expect(stdout + stderr).toContain('Personal data came back masked');
    expect(stdout).toMatch(/^ {2}countersign .*sessions verify/m);
    expect(status).toBe(0);
  }, 200_000);

  it('takes a passkey, with packages of its own', async () => {
    const made = home();
    const options = [
      '--no-demo',
      '--no-open',
      '--no-notifications',
      '--port',
      '0',
      '--console-port',
      '0',
      '--mcp-port',
      '0',
    ];
    const gateway = startClient(join(copy, 'bin/countersign'), ['start', ...options], bare(made), null);
    pids.push(gateway.process.pid!);
    const shown = /http:\/\/localhost:(\d+)\/\s+One-time code\s+(\S+)/;
    const [, port = '', code = ''] = await eventually('its address', () => shown.exec(gateway.said()), 60);
    const control = createControlClient({ socketPath: controlSocketPath(made) });
    await control.call('setPin', { pin: TEST_PIN, code });
    const { challenge } = await control.call('beginPasskey', { name: 'Laptop', pin: TEST_PIN });
    const authenticator = new TestAuthenticator(`http://localhost:${port}`);
    expect(await control.call('finishPasskey', authenticator.register(challenge))).toMatchObject({ standing: 'local' });
    gateway.process.kill('SIGTERM');
    expect((await gateway.ended).code).toBe(0);
  }, 120_000);

  it('is started by the app, lets a click in its pages decide about psql, and outlives the app', async () => {
    const made = home();
    const program: Program = { node: join(copy, 'bin/node'), entry: join(copy, 'gateway/index.ts'), env: bare(made) };
    const where = await findGateway(program);
    expect(where).toMatchObject({ home: made, own: true });
    const started = startGateway(program, join(folder, 'app'), ['--port', '0', '--console-port', '0']);
    pids.push(started.pid!);
    const messages: unknown[] = [];
    let ended: string | null = null;
    started.onMessage((message) => messages.push(message));
    started.onEnd((sentence) => {
      ended = sentence;
    });
    const ready = await eventually('the gateway', () => {
      if (ended !== null) throw new Error(ended);
      return (messages[0] as { ready?: { socket: string; code: string } } | undefined)?.ready ?? null;
    });
    const call = createSocketCall(() => ready.socket);
    const session = createConsoleSession(call);
    await session.open(ready.code);
    const handle = createPageHandler({ folder: join(copy, 'renderer/dist'), call, session });
    const page = async (path: string, body?: object) => {
      const response = await handle(
        new Request(`app://countersign${path}`, body && { method: 'POST', body: JSON.stringify(body) }),
      );
      return { status: response.status, text: await response.text() };
    };
    expect((await page('/')).text).toContain('<title>Countersign</title>');

    // The demo's database comes after the gateway.
    await eventually(
      'the demo',
      async () => ((await page('/api/connections')).text.includes('"demo"') ? true : null),
      60,
    );
    const token = JSON.parse((await page('/api/connections/demo/token', { purpose: 'test' })).text) as {
      env: NodeJS.ProcessEnv;
    };
    const client = startClient(psql.path, ['-X', '-c', "UPDATE orders SET status = 'paid' WHERE id = 1"], {
      ...process.env,
      ...token.env,
    });
    const held = await eventually('a request that waits', async () => {
      const { items } = JSON.parse((await page('/api/approvals')).text) as {
        items: { id: string; operation: { digest: string; sessionId: string } }[];
      };
      return items[0] ?? null;
    });
    const decided = await page(`/api/approvals/${held.id}/decision`, {
      digest: held.operation.digest,
      decision: 'approve',
    });
    expect(JSON.parse(decided.text)).toMatchObject({ state: 'approved', channel: 'console' });
    expect(await client.ended).toEqual({ code: 0, out: 'UPDATE 1\n' });

    const verified = spawnSync(join(copy, 'bin/countersign'), ['sessions', 'verify', held.operation.sessionId], {
      env: bare(made),
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect([verified.status, verified.stderr]).toEqual([0, '']);

    started.ask({ ask: 'code' });
    const again = await eventually('another code', () => (messages[1] as { code?: string } | undefined)?.code ?? null);
    started.release();
    expect(again).not.toBe(ready.code);
    await new Promise((done) => setTimeout(done, 500));
    expect([(await page('/api/status')).status, ended]).toEqual([200, null]);
    process.kill(started.pid!, 'SIGTERM');
    await eventually('its end', async () => ((await page('/api/host')).status === 502 ? true : null));
  }, 200_000);

  it('is found, started, signed in to and stopped by the packaged app on a double of Electron’s module', async () => {
    const module = join(folder, 'out/node_modules/electron');
    mkdirSync(module, { recursive: true });
    copyFileSync(join(root, 'test/support/electron-module.mjs'), join(module, 'index.mjs'));
    writeFileSync(join(module, 'package.json'), '{"name":"electron","exports":"./index.mjs"}');
    const made = home();
    const app = spawn(process.execPath, [join(folder, 'out/app/index.js'), 'countersign://session/S1'], {
      env: {
        ...bare(made),
        DOUBLE_RESOURCES: join(unpacked, 'resources'),
        DOUBLE_APP: join(folder, 'out/app'),
        DOUBLE_USER_DATA: join(folder, 'user-data'),
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let said = '';
    app.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const ended = new Promise((done) => app.once('exit', done));
    const hears = (text: string) => eventually(text, () => (said.includes(text) ? true : null), 90);
    await hears('"load":"app://countersign/sessions/S1"');
    await hears('tray-unprotected.png');
    await eventually('its own session', async () => {
      app.stdin.write('get /api/connections\n');
      await new Promise((done) => setTimeout(done, 300));
      return said.includes('[200,') ? true : null;
    });
    expect(said).toContain(`"window":"${join(folder, 'out/app/preload.cjs')}"`);
    app.stdin.write('Quit …\n');
    await hears('"quit":true');
    expect(await ended).toBe(0);
    expect(said).toContain('The gateway keeps running when you quit.');
    // It was asked to stop too, in order.
    expect(readFileSync(join(folder, 'user-data/gateway-start.log'), 'utf8')).toContain('Stopped.');
  }, 150_000);

  it('is one for a home: a second start says so, and the app hears it', async () => {
    const made = home();
    const program: Program = { node: join(copy, 'bin/node'), entry: join(copy, 'gateway/index.ts'), env: bare(made) };
    const args = ['--port', '0', '--console-port', '0', '--no-demo'];
    const first = startGateway(program, join(folder, 'app-1'), args);
    pids.push(first.pid!);
    let ready = false;
    first.onMessage(() => {
      ready = true;
    });
    await eventually('the gateway', () => (ready ? true : null));
    const second = startGateway(program, join(folder, 'app-2'), args);
    pids.push(second.pid!);
    const said = await new Promise<string>((done) => second.onEnd(done));
    expect(said).toContain('already runs with the home');
    const gone = new Promise<string>((done) => first.onEnd(done));
    first.ask({ ask: 'stop' });
    expect(await gone).toContain('Stopped.');
  }, 100_000);
});

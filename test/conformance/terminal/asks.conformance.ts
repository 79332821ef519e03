import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { actionDigest } from '../../../gateway/approvals/digest.ts';
import type { Approval } from '../../../gateway/contract/decision.ts';
import * as recordings from '../../../gateway/recording/reader.ts';
import { COUNTERSIGN } from '../../support/gateway.ts';
import { startTestService, type TestService } from '../../support/service.ts';
import { lastTerminal, recorded } from '../../support/terminal.ts';

const PIN = '246810';

let gateway: TestService;
let work: string;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  const demo = { kind: 'postgres' as const, host: '127.0.0.1', port: 9, user: 'app', database: 'shop' };
  gateway = await startTestService({
    connections: [{ ...demo, id: 'demo', environment: 'development', secret: 'never seen' }],
  });
  await gateway.control.call('setPin', { pin: PIN, code: gateway.service.loginCode });
  work = mkdtempSync(join(tmpdir(), 'asks-'));
  mkdirSync(join(work, '.git'));
  env = { ...process.env, COUNTERSIGN_SOCKET: gateway.service.control.socketPath };
}, 60_000);
afterAll(async () => {
  await gateway?.stop();
  rmSync(work, { recursive: true, force: true });
});

interface Running {
  child: ChildProcess;
  ended: Promise<{ code: number | null; out: string; err: string }>;
}

function run(argv: readonly string[], more: NodeJS.ProcessEnv = {}): Running {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { env: { ...env, ...more }, cwd: work, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, out, err })),
  );
  return { child, ended };
}

async function waiting(): Promise<Approval> {
  await expect
    .poll(async () => (await gateway.control.call('approvals', {})).items.length, { timeout: 30_000 })
    .toBe(1);
  return (await gateway.control.call('approvals', {})).items[0] as Approval;
}

const decide = ({ id, operation }: Approval, decision: 'approve' | 'deny', message?: string) =>
  gateway.control.call('decide', {
    id,
    digest: operation.digest,
    decision,
    pin: PIN,
    ...(message === undefined ? {} : { message }),
  });

/** Showing the environment is something that policy asks about. */
async function approved(argv: readonly string[], more: NodeJS.ProcessEnv = {}) {
  const { ended } = run(argv, more);
  await decide(await waiting(), 'approve');
  return ended;
}

const script = (path: string, text: string) => writeFileSync(join(work, path), `#!/bin/sh\n${text}\n`, { mode: 0o755 });

it('a command that policy asks about waits, says so, and runs once it is approved', async () => {
  script('deploy.sh', 'echo deployed');
  const { ended } = run(recorded(['./deploy.sh']));
  const approval = await waiting();
  const { operation } = approval;
  expect(operation).toMatchObject({ protocol: 'terminal', tool: 'exec', place: work, text: './deploy.sh' });
  if (operation.protocol !== 'terminal') throw new Error('another protocol');
  expect(operation.bindings.map(({ name }) => name)).toContain(`file:${join(work, 'deploy.sh')}`);
  await decide(approval, 'approve');
  const { code, out, err } = await ended;
  expect({ code, out }).toEqual({ code: 0, out: 'deployed\n' });
  expect(err).toMatch(/^countersign: waits for a person: .+\(request \S+, denied after \d+ s\)\n$/);

  // What the recording says makes the digest again.
  const folder = await lastTerminal(gateway.service.home);
  const details: Record<string, Record<string, unknown>> = {};
  for await (const { type, detail } of recordings.events(folder)) details[type] = detail;
  const { protocol, tool, place, text, bindings } = details.operation as typeof operation;
  const { subject } = operation.identity;
  expect(
    actionDigest({
      sessionId: operation.sessionId,
      subject,
      connectionId: 'terminal',
      protocol,
      tool,
      place,
      text,
      bindings,
    }),
  ).toBe(details.asked?.digest);
  expect(details.decided).toMatchObject({ effect: 'allow', channel: 'terminal' });
});

it('a denial says why, and nothing runs', async () => {
  script('drop.sh', 'touch ran');
  const { ended } = run(recorded(['./drop.sh']));
  await decide(await waiting(), 'deny', 'not on a Friday');
  const { code, out, err } = await ended;
  expect({ code, out }).toEqual({ code: 126, out: '' });
  expect(err).toContain('denied: not on a Friday');
  expect(existsSync(join(work, 'ran'))).toBe(false);
  const session = (await recordings.readSession(await lastTerminal(gateway.service.home))).close;
  expect(session).toMatchObject({ reason: 'the command was denied', counts: { statements: 1, denied: 1 } });
});

it('a script that changes while it waits is not run', async () => {
  script('change.sh', 'echo harmless');
  const { ended } = run(recorded(['./change.sh']));
  const approval = await waiting();
  script('change.sh', 'echo harmful');
  await decide(approval, 'approve');
  const { code, out, err } = await ended;
  expect(code).not.toBe(0);
  expect(out).toBe('');
  expect(err).toContain('change.sh is not what it was when this command was approved');
});

it('a command line that goes away takes its request with it', async () => {
  script('wait.sh', 'echo never');
  const { child, ended } = run(recorded(['./wait.sh']));
  await waiting();
  child.kill('SIGINT');
  await ended;
  await expect.poll(async () => (await gateway.control.call('approvals', {})).items.length).toBe(0);
});

it('a connection’s variables are a token for the gateway, with the conversation of the terminal', async () => {
  const { code, out } = await approved([...COUNTERSIGN, 'exec', '--connection', 'demo', '-c', 'env']);
  expect(code).toBe(0);
  const { host, port } = gateway.service.postgres;
  expect(out).toContain(`PGHOST=${host}\n`);
  expect(out).toContain(`PGPORT=${port}\n`);
  expect(out).toContain('DEMO_PGUSER=demo\n');
  expect(out).not.toContain('never seen');
  const folder = await lastTerminal(gateway.service.home);
  const { id, info } = await recordings.readSession(folder);
  expect(info.conversationId).toBe(id);
  expect(out).toContain(`COUNTERSIGN_SESSION=${id}\n`);
});

it('there is no terminal with a connection that is not registered', async () => {
  const { code, out, err } = await run(recorded(['env'], '--connection', 'other')).ended;
  expect({ code, out }).toEqual({ code: 126, out: '' });
  expect(err).toContain('There is no connection other.');
});

it('--env clean leaves the developer’s credentials out, and what leads to them', async () => {
  const secrets = {
    AWS_SECRET_ACCESS_KEY: 'hidden-1',
    GITHUB_TOKEN: 'hidden-2',
    DATABASE_URL: 'postgres://a:hidden-3@h/d',
    MY_SERVICE: 'https://user:hidden-4@host/',
    SSH_AUTH_SOCK: '/hidden-5',
    PGPASSWORD: 'hidden-6',
  };
  const kept = await approved(recorded(['env']), secrets);
  expect(kept.out).toContain('hidden-1');
  const clean = await approved(recorded(['env'], '--env', 'clean'), { ...secrets, EDITOR: 'vi' });
  expect(clean.code).toBe(0);
  expect(clean.out).not.toContain('hidden');
  expect(clean.out).toContain('EDITOR=vi');
  expect(clean.out).toContain('PGPASSFILE=/dev/null');
  expect(clean.out).toContain('PATH=');

  const settings = join(gateway.service.home, 'terminal.json');
  writeFileSync(settings, '{"environment": "clean"}');
  const demanded = await approved(recorded(['env'], '--env', 'keep'), secrets);
  rmSync(settings);
  expect(demanded.code).toBe(0);
  expect(demanded.out).not.toContain('hidden');
});

it('a terminal in a terminal belongs to its conversation', async () => {
  const inner = recorded(['true'])
    .map((word) => `'${word}'`)
    .join(' ');
  const { ended } = run([...COUNTERSIGN, 'exec', '-c', inner]);
  // Starting another program of ours is nothing that policy knows.
  await decide(await waiting(), 'approve');
  expect((await ended).code).toBe(0);
  const outer: string[] = [];
  for await (const folder of recordings.sessionFolders(join(gateway.service.home, 'recordings'))) outer.push(folder);
  const infos = await Promise.all(
    outer
      .sort()
      .slice(-2)
      .map(async (folder) => recordings.readSession(folder)),
  );
  expect(infos[1]?.info.conversationId).toBe(infos[0]?.id);
});

it('a secret in the command is neither shown nor recorded', async () => {
  const token = `ghp_${'a1B2c3D4e5'.repeat(4).slice(0, 36)}`;
  const { ended } = run([...COUNTERSIGN, 'exec', '-c', `echo ${token} | wc -c`]);
  const approval = await waiting();
  expect(approval.operation.text).toBe('echo [SECRET_TOKEN] | wc -c');
  expect(JSON.stringify(approval)).not.toContain(token);
  await decide(approval, 'approve');
  expect((await ended).out.trim()).toBe('41');
  const folder = await lastTerminal(gateway.service.home);
  for await (const event of recordings.events(folder)) expect(JSON.stringify(event)).not.toContain(token);
});

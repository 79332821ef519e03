import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playback } from '../../../gateway/protocols/terminal/playback.ts';
import * as recordings from '../../../gateway/recording/reader.ts';
import { COUNTERSIGN } from '../../support/gateway.ts';
import { ALLOW_ALL, startTestService, type TestService } from '../../support/service.ts';
import { lastTerminal, recorded } from '../../support/terminal.ts';

let gateway: TestService;
let work: string;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  gateway = await startTestService({ connections: [], policy: ALLOW_ALL });
  work = mkdtempSync(join(tmpdir(), 'pipes-'));
  mkdirSync(join(work, '.git'));
  env = { ...process.env, COUNTERSIGN_SOCKET: gateway.service.control.socketPath };
}, 60_000);
afterAll(async () => {
  await gateway?.stop();
  rmSync(work, { recursive: true, force: true });
});

interface Ran {
  code: number | null;
  out: Buffer;
  err: Buffer;
}

function run(argv: readonly string[], input: Uint8Array | null = null, more: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { env: { ...env, ...more }, cwd: work, stdio: ['pipe', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin.on('error', () => {});
  if (input !== null) child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      child.stdin.destroy();
      resolve({ code, out: Buffer.concat(out), err: Buffer.concat(err) });
    });
  });
}

const shell = (script: string) => recorded(['sh', '-c', script]);
const text = ({ code, out, err }: Ran) => ({ code, out: out.toString(), err: err.toString() });

async function lastBytes(kind: 'input' | 'output' | 'errors'): Promise<Buffer> {
  const folder = await lastTerminal(gateway.service.home);
  const pieces: Uint8Array[] = [];
  for await (const played of playback(recordings, folder)) if (played.kind === kind) pieces.push(played.bytes);
  return Buffer.concat(pieces);
}

describe('on pipes', () => {
  it('every byte goes through, and is recorded, both ways', async () => {
    const bytes = Buffer.from(Uint8Array.from({ length: 3_000_001 }, (_, i) => (i * i + (i >> 8)) % 256));
    const ran = await run(recorded(['cat']), bytes);
    expect(ran.code).toBe(0);
    expect(ran.out.equals(bytes)).toBe(true);
    expect(ran.err).toHaveLength(0);
    expect((await lastBytes('output')).equals(bytes)).toBe(true);
    expect((await lastBytes('input')).equals(bytes)).toBe(true);
  });

  it('standard error is apart, in the recording too', async () => {
    const ran = await run(shell('echo out; echo err >&2; exit 3'), Buffer.alloc(0));
    expect(text(ran)).toEqual({ code: 3, out: 'out\n', err: 'err\n' });
    expect((await lastBytes('errors')).toString()).toBe('err\n');
    expect((await lastBytes('output')).toString()).toBe('out\n');
  });

  it('they are pipes, which programs open again by their names', async () => {
    const ran = await run(
      shell('test -p /dev/stdout && test -p /dev/stdin && tty; cat /dev/stdin > /dev/stdout; echo e > /dev/stderr'),
      Buffer.from('in\n'),
    );
    expect(text(ran)).toEqual({ code: 0, out: 'not a tty\nin\n', err: 'e\n' });
  });

  it.each([
    ['an exit code', 'exit 7', 7],
    ['a signal', 'kill -KILL $$', 137],
  ])('%s is told as a shell tells it', async (_what, script, code) => {
    expect((await run(shell(script), Buffer.alloc(0))).code).toBe(code);
  });

  it('a reader that goes away ends the writer', async () => {
    const [program = '', ...args] = recorded(['yes']);
    const ran = await run(['sh', '-c', '"$@" | head -c 100000 | wc -c', 'sh', program, ...args], Buffer.alloc(0));
    expect(ran.out.toString().trim()).toBe('100000');
  });

  it('input that is not read holds nothing up', async () => {
    const ran = await run(recorded(['true']), Buffer.alloc(5_000_000));
    expect(ran.code).toBe(0);
  });

  it('who keeps the pipes in the background does not hold up the end', async () => {
    const ran = await run([...shell('sleep 60 & echo $!')], Buffer.alloc(0));
    process.kill(Number(ran.out.toString()), 'SIGKILL');
    expect(ran.code).toBe(0);
  });

  it('-n leaves the input to others', async () => {
    const [program = '', ...args] = recorded(['cat'], '-n');
    const ran = await run(['sh', '-c', '"$@"; cat', 'sh', program, ...args], Buffer.from('for the second\n'));
    expect(ran.out.toString()).toBe('for the second\n');
  });

  it('SIGTERM reaches the command', async () => {
    const script = 'trap "echo told; exit 9" TERM; kill -TERM $PPID; while :; do sleep 0.05; done';
    expect(text(await run(shell(script), Buffer.alloc(0)))).toEqual({ code: 9, out: 'told\n', err: '' });
  });

  it('-c is one command for a shell', async () => {
    const ran = await run([...COUNTERSIGN, 'exec', '-c', 'echo one | tr a-z A-Z; exit 5'], Buffer.alloc(0));
    expect(text(ran)).toEqual({ code: 5, out: 'ONE\n', err: '' });
  });

  it('a program that is not there is told as a shell tells it', async () => {
    const ran = text(await run(recorded(['no-such-program']), Buffer.alloc(0)));
    expect(ran.code).toBe(127);
    expect(ran.err).toBe('countersign: no-such-program: there is no such program\n');
    writeFileSync(join(work, 'plain'), 'x', { mode: 0o600 });
    expect((await run(recorded(['./plain']), Buffer.alloc(0))).code).toBe(126);
  });
});

describe('without a gateway', () => {
  it('nothing is run', async () => {
    const ran = text(await run(shell('echo ran'), Buffer.alloc(0), { COUNTERSIGN_SOCKET: join(work, 'none.sock') }));
    expect(ran).toMatchObject({ code: 125, out: '' });
    expect(ran.err).toContain('the gateway is not running, so nothing is run');
  });

  it('a command that runs is ended when the gateway goes', async () => {
    const path = join(work, 'cut.sock');
    const sockets: Socket[] = [];
    const proxy = createServer((client) => {
      const up = createConnection(gateway.service.control.socketPath);
      for (const socket of [client, up]) socket.on('error', () => {});
      client.pipe(up).pipe(client);
      sockets.push(client, up);
    });
    await new Promise<void>((resolve) => proxy.listen(path, resolve));
    const [program = '', ...args] = shell('echo began; trap "" HUP; sleep 60; echo went on');
    const child = spawn(program, args, { env: { ...env, COUNTERSIGN_SOCKET: path }, cwd: work });
    let out = '';
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      for (const socket of sockets) socket.destroy();
    });
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
    proxy.close();
    expect(out).toBe('began\n');
    expect(code).toBeGreaterThan(128);
    expect(err).toContain('the gateway has gone, so nothing more can be recorded: the command was ended');
  });
});

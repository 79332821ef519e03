import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Connection } from '../contract/connection.ts';
import type { MintedToken } from '../contract/routes/connections.ts';
import { runCommand } from './test-cli.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const TOKEN = "to:k\\e'n";
const minted = (): MintedToken => ({
  token: TOKEN,
  agentSessionId: 'AS1',
  expiresAt: new Date().toISOString(),
  host: '127.0.0.1',
  port: 6432,
  env: { PGHOST: '127.0.0.1', PGPORT: '6432', PGUSER: 'demo', PGDATABASE: 'shop', PGPASSWORD: TOKEN },
  command: 'psql',
});
const added = (input: { connection: unknown }) => ({
  ...Connection.parse(input.connection),
  hasSecret: true,
  openSessions: 0,
});

describe('connections add', () => {
  it('registers what the options say, with a secret that is typed unseen', async () => {
    const run = await runCommand(
      [
        'connections',
        'add',
        'main',
        '--host',
        'db.example.com',
        '--user',
        'app',
        '--database',
        'app',
        '--tls',
        'require',
      ],
      { answers: { putConnection: added }, typed: ['s3cret', '246810'] },
    );
    expect(run.code).toBe(0);
    expect(run.asked.map((one) => one.shown)).toEqual([false, false]);
    expect(run.calls[0]?.input).toMatchObject({
      id: 'main',
      secret: 's3cret',
      pin: '246810',
      connection: {
        id: 'main',
        host: 'db.example.com',
        port: 5432,
        tls: { mode: 'require' },
        environment: 'production',
      },
    });
    expect(run.out + run.notes).not.toMatch(/s3cret|246810/);
  });

  it('takes columns from a file, and options over it', async () => {
    const file = join(folder, 'c.json');
    const columns = [{ table: 'people', column: 'ssn', entity: 'US_SSN' }];
    writeFileSync(file, JSON.stringify({ host: 'a', user: 'u', database: 'd', columns }));
    const run = await runCommand(['connections', 'add', 'main', '--file', file, '--host', 'b'], {
      answers: { putConnection: added },
      typed: ['', '246810'],
    });
    expect(run.calls[0]?.input).toMatchObject({
      connection: { host: 'b', columns: [{ column: 'ssn', action: 'redact' }] },
    });
    expect(run.calls[0]?.input).not.toHaveProperty('secret');
  });

  it('says what is wrong before it asks for a secret', async () => {
    const run = await runCommand(['connections', 'add', 'main', '--host', 'a', '--user', 'u', '--tls', 'maybe']);
    expect(run).toMatchObject({ code: 1, asked: [], calls: [] });
    expect(run.notes).toContain('database');
    expect(run.notes).toContain('tls.mode');
  });
});

describe('connect', () => {
  it('prints lines a shell can take, and nothing else, to standard output', async () => {
    const run = await runCommand(['connect', 'demo'], { answers: { mintToken: minted } });
    expect(run.out.split('\n').every((line) => /^export PG[A-Z]+='/.test(line))).toBe(true);
    expect(run.out).toContain(`export PGPASSWORD='to:k\\e'\\''n'`);
    expect(run.notes).not.toContain(TOKEN);
  });

  it('writes a password file that only its owner reads', async () => {
    const file = join(folder, 'pgpass');
    const run = await runCommand(['connect', 'demo', '--pgpass', file], { answers: { mintToken: minted } });
    expect(run.out).not.toContain('PGPASSWORD');
    expect(run.out).toContain(`export PGPASSFILE='${file}'`);
    expect(readFileSync(file, 'utf8')).toBe("127.0.0.1:6432:shop:demo:to\\:k\\\\e'n\n");
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('never writes over a file', async () => {
    const file = join(folder, 'pgpass');
    writeFileSync(file, 'mine');
    const run = await runCommand(['connect', 'demo', '--pgpass', file], { answers: { mintToken: minted } });
    expect(run.code).toBe(1);
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  it('runs a command with the environment, ends the token, and passes on the exit code', async () => {
    const file = join(folder, 'seen');
    const script = `require('fs').writeFileSync(${JSON.stringify(file)}, process.env.PGPASSWORD + ' ' + process.argv.slice(1)); process.exit(3)`;
    const run = await runCommand(['connect', 'demo', '--exec', '--', process.execPath, '-e', script, '--', '--flag'], {
      answers: { mintToken: minted, revokeToken: () => ({}) },
    });
    expect(readFileSync(file, 'utf8')).toBe(`${TOKEN} --flag`);
    expect(run.code).toBe(3);
    expect(run.calls.at(-1)).toEqual({ name: 'revokeToken', input: { id: 'AS1' } });
  });

  it('ends the token when the command does not start', async () => {
    const run = await runCommand(['connect', 'demo', '--exec', '--', join(folder, 'missing')], {
      answers: { mintToken: minted, revokeToken: () => ({}) },
    });
    expect(run.code).toBe(1);
    expect(run.calls.at(-1)?.name).toBe('revokeToken');
  });
});

const status = (pinSet: boolean) => () => ({
  version: '0',
  protection: 'unprotected' as const,
  recorder: { ok: true, error: null, bytes: 0 },
  policy: { hash: '', staged: null, error: null },
  pinSet,
  waiting: 0,
  openSessions: 0,
  postgres: { host: '127.0.0.1', port: 1 },
  identity: 'ada',
  device: { id: '01JAAAAAAAAAAAAAAAAAAAAAAA', org: null, size: 2, checkpointAt: null, problem: null, warning: null },
  notifications: { ok: true, sentence: 'by Xfce Notify Daemon 0.7.3' },
  halt: null,
  administration: null,
  emergency: null,
  pauses: [],
});

describe('pin set', () => {
  it('takes the one-time code the first time', async () => {
    const run = await runCommand(['pin', 'set'], {
      answers: { status: status(false), setPin: () => ({}) },
      typed: [' ABCD-EFGH ', '246810', '246810'],
    });
    expect(run.calls.at(-1)?.input).toEqual({ code: 'ABCD-EFGH', pin: '246810' });
  });

  it('takes the current PIN after that', async () => {
    const run = await runCommand(['pin', 'set'], {
      answers: { status: status(true), setPin: () => ({}) },
      typed: ['135790', '246810', '246810'],
    });
    expect(run.calls.at(-1)?.input).toEqual({ current: '135790', pin: '246810' });
  });

  it('leaves it when the two differ', async () => {
    const run = await runCommand(['pin', 'set'], {
      answers: { status: status(true), setPin: () => ({}) },
      typed: ['135790', '246810', '246811'],
    });
    expect(run.code).toBe(1);
    expect(run.calls.map((call) => call.name)).toEqual(['status']);
  });
});

describe('code', () => {
  it('is given for the PIN', async () => {
    const run = await runCommand(['code'], {
      answers: { status: status(true), newLoginCode: () => ({ code: 'ABCDE-FGHJK' }) },
      typed: ['246810'],
    });
    expect(run).toMatchObject({ code: 0, out: 'ABCDE-FGHJK' });
    expect(run.calls.at(-1)?.input).toEqual({ pin: '246810' });
  });

  it('is not given to whoever reaches the socket before a PIN is set', async () => {
    const run = await runCommand(['code'], { answers: { status: status(false) } });
    expect(run).toMatchObject({ code: 1, out: '', asked: [] });
    expect(run.notes).toContain('press Enter there');
  });
});

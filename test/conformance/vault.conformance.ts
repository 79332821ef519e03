import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { COUNTERSIGN } from '../support/gateway.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { runOnTerminal } from '../support/pseudo-terminal.ts';
import { ALLOW_ALL, startTestService, type TestService } from '../support/service.ts';

const python = component('psycopg');
const psql = component('psql');
const git = component('git');
const kubectl = component('kubectl');
const aws = component('aws');
const missing = python.missing || psql.missing || git.missing;

const PIN = '739281';
const PASSPHRASE = 'correct horse battery';

/** What a program makes of a file of credentials: what it is asked, and what shows that it was let in. */
interface Reader {
  name: string;
  missing: string | false;
  argv: () => string[];
  input?: string;
  shows: RegExp;
}

let postgres: TestPostgres;
let gateway: TestService;
let home: string;
let env: NodeJS.ProcessEnv;
let before: Map<string, Buffer>;

const READERS: readonly Reader[] = [
  {
    name: 'psql',
    missing: psql.missing,
    argv: () => [
      psql.path,
      '-wAtXc',
      "select 'let ' || 'in'",
      `host=${postgres.host} port=${postgres.port} user=${postgres.user} dbname=postgres`,
    ],
    shows: /let in/,
  },
  {
    name: 'git, from its store',
    missing: git.missing,
    argv: () => [git.path, 'credential', 'fill'],
    input: 'protocol=https\nhost=git.example.com\n\n',
    shows: /password=p@ss1/,
  },
  {
    name: 'git, from a store that its settings name',
    missing: git.missing,
    argv: () => [git.path, 'credential', 'fill'],
    input: 'protocol=https\nhost=other.example.com\n\n',
    shows: /password=p@ss2/,
  },
  {
    name: 'kubectl',
    missing: kubectl.missing,
    argv: () => [kubectl.path, 'config', 'view', '--raw', '-o', 'jsonpath={.users[0].user.token}'],
    shows: /kube-secret/,
  },
  {
    name: 'aws',
    missing: aws.missing,
    argv: () => [aws.path, 'configure', 'get', 'aws_secret_access_key'],
    shows: /aws-secret/,
  },
];

function run(argv: readonly string[], input = ''): Promise<string> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { env, cwd: home, stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  return new Promise((resolve) => child.on('close', () => resolve(out)));
}

const onTerminal = (args: readonly string[], answers: readonly (readonly [string, string])[]) =>
  runOnTerminal(python.path, [...COUNTERSIGN, 'vault', ...args], answers, env);

const contents = () => new Map([...before.keys()].map((name) => [name, readFileSync(join(home, name))]));

beforeAll(async () => {
  if (missing) return;
  postgres = await startPostgres();
  gateway = await startTestService({ connections: [], policy: ALLOW_ALL });
  await gateway.control.call('setPin', { pin: PIN, code: gateway.service.loginCode });
  home = mkdtempSync(join(tmpdir(), 'adopt-'));
  for (const folder of ['.aws', '.kube', 'keys']) mkdirSync(join(home, folder));
  const { host, port, user, password } = postgres;
  before = new Map(
    Object.entries({
      '.pgpass': `# mine\n${host}:${port}:postgres:${user}:${password.replaceAll(/[\\:]/g, '\\$&')}\n`,
      '.git-credentials': 'https://ada:p%40ss1@git.example.com\n',
      'keys/git': 'https://ada:p%40ss2@other.example.com\n',
      '.gitconfig': '[credential]\n\thelper = store\n\thelper = store --file ~/keys/git\n',
      '.kube/config':
        'apiVersion: v1\nkind: Config\nusers:\n- name: ada\n  user:\n    token: kube-secret # until May\n',
      '.aws/credentials': '[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = aws-secret\n',
    }).map(([name, text]) => [name, Buffer.from(text)]),
  );
  for (const [name, bytes] of before) writeFileSync(join(home, name), bytes, { mode: 0o600 });
  env = {
    PATH: process.env.PATH,
    PYENV_ROOT: process.env.PYENV_ROOT ?? '/root/.pyenv',
    HOME: home,
    LC_ALL: 'C.UTF-8',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    AWS_EC2_METADATA_DISABLED: 'true',
    COUNTERSIGN_SOCKET: gateway.service.control.socketPath,
  };
}, 120_000);
afterAll(async () => {
  await gateway?.stop();
  await postgres?.stop();
  if (home !== undefined) rmSync(home, { recursive: true, force: true });
});

describe.skipIf(missing)('credentials that programs find by themselves', () => {
  const readers = READERS.filter((reader) => reader.missing === false);

  it('let them in at first', async () => {
    for (const { name, argv, input, shows } of readers)
      expect([name, await run(argv(), input)]).toEqual([name, expect.stringMatching(shows)]);
  }, 60_000);

  it('no longer do once they are adopted', async () => {
    const yes = ['AWS', 'Kubernetes', 'Git'].map((name) => [`credentials of ${name}?`, 'yes'] as const);
    const done = await onTerminal(
      ['adopt', '--project', home, '--also', 'aws,kube,git'],
      [...yes, ['New passphrase', PASSPHRASE], ['same again', PASSPHRASE], ['Your PIN', PIN]],
    );
    expect(done).toMatchObject({ code: 0, shown: expect.stringContaining('Git: ada at git.example.com') });
    for (const { name, argv, input, shows } of readers)
      expect([name, await run(argv(), input)]).toEqual([name, expect.not.stringMatching(shows)]);
    const { items } = await gateway.control.call('storedCredentials', {});
    expect(items.map(({ kind }) => kind).sort()).toEqual(['aws', 'git', 'git', 'kube']);
    for (const name of ['vault/vault.json', 'stored-credentials.json'])
      expect(readFileSync(join(gateway.service.home, name), 'utf8')).not.toMatch(/p@ss|p%40|kube-secret|aws-secret/);
  }, 120_000);

  it('PostgreSQL is reached through the gateway instead', async () => {
    const { items } = await gateway.control.call('connections', {});
    const { env: own } = await gateway.connect(items[0]?.id);
    const shown = await run([
      psql.path,
      '-wAtXc',
      'select 1 + 1',
      `host=${own.PGHOST} port=${own.PGPORT} user=${own.PGUSER} password=${own.PGPASSWORD} dbname=postgres`,
    ]);
    expect(shown.trim()).toBe('2');
  }, 60_000);

  it('do again after the way back', async () => {
    const [sealed = ''] = readdirSync(home).filter((name) => name.endsWith('.age'));
    const done = await onTerminal(['restore', join(home, sealed)], [['Passphrase', PASSPHRASE]]);
    expect(done.code).toBe(0);
    expect(contents()).toEqual(before);
    for (const { name, argv, input, shows } of readers)
      expect([name, await run(argv(), input)]).toEqual([name, expect.stringMatching(shows)]);
  }, 60_000);
});

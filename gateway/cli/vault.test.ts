import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Connection } from '../contract/connection.ts';
import { CountersignError } from '../contract/errors.ts';
import { runCommand } from './test-cli.ts';

let HOME: string;
beforeEach(() => {
  HOME = mkdtempSync(join(tmpdir(), 'cs-adopt-'));
});
afterEach(() => rmSync(HOME, { recursive: true, force: true }));

const at = (name: string) => join(HOME, name);
const read = (name: string) => readFileSync(at(name), 'utf8');

/** A gateway that keeps what it is told; `works` says of which host. */
function gateway(works: (host: string) => boolean = () => true, room = Number.POSITIVE_INFINITY) {
  const stored = new Map<string, unknown>();
  const kept = new Map<string, { connection: Connection; secret: string | undefined }>();
  const views = () => [...kept.values()].map(({ connection }) => ({ ...connection, hasSecret: true, openSessions: 0 }));
  const answers: NonNullable<NonNullable<Parameters<typeof runCommand>[1]>['answers']> = {
    connections: () => ({ items: views() }),
    putConnection({ id, connection, secret }) {
      kept.set(id, { connection: connection as Connection, secret });
      return { ...(connection as Connection), hasSecret: true, openSessions: 0 };
    },
    testConnection({ id }) {
      const ok = works(kept.get(id)!.connection.host);
      return { ok, sentence: ok ? 'it works' : 'it does not answer', serverVersion: null, milliseconds: 1 };
    },
    deleteConnection({ id }) {
      kept.delete(id);
      return {};
    },
    status: () => ({ postgres: { host: '127.0.0.1', port: 7432 } }) as never,
    storeCredential({ id, credential, values }) {
      if (stored.size >= room) throw new CountersignError('VAULT_UNAVAILABLE', 'the gateway went away');
      stored.set(id, values);
      return { ...credential, id, keptAt: new Date(0).toISOString() };
    },
  };
  return { kept, stored, answers };
}

const FILES: Readonly<Record<string, string>> = {
  '.pgpass': '# mine\ndb.example.com:5432:shop:app:hunt\\:er2\n*:*:*:*:everywhere9\nlocalhost:*:*:dev:localpw1\n',
  '.pg_service.conf':
    '[prod]\nhost=pg.example.com\nuser=svc\npassword=servicepw1\nsslmode=verify-full\n\n[other]\nhost=x\n',
  '.env':
    'A=1\nexport DATABASE_URL="postgres://web:s%40crET1@db.example.com:6543/shop?sslmode=require"\nOTHER=postgres://web@h/x\n',
};
const SECRETS = /hunt|er2|localpw1|servicepw1|s%40crET1|s@crET1/;

function writeAll(): void {
  for (const [name, text] of Object.entries(FILES)) writeFileSync(at(name), text, { mode: 0o600 });
}
const run = (args: string[], more: Parameters<typeof runCommand>[1] = {}) =>
  runCommand(['vault', ...args], { env: { HOME }, ...more });
const PASSPHRASE = 'correct horse battery';

test('passwords go to the vault, connections take their place, and the way back leads back', async () => {
  writeAll();
  const { kept, answers } = gateway();
  const typed = [PASSPHRASE, PASSPHRASE, '739281'];
  const done = await run(['adopt', '--project', HOME], { answers, typed });
  expect(done.code).toBe(0);
  expect(
    [...kept.values()].map(({ connection: { id, host, port, user, database, tls }, secret }) => [
      id,
      host,
      port,
      user,
      database,
      tls.mode,
      secret,
    ]),
  ).toEqual([
    ['shop-db', 'db.example.com', 5432, 'app', 'shop', 'require', 'hunt:er2'],
    ['dev-local', 'localhost', 5432, 'dev', 'dev', 'disable', 'localpw1'],
    ['svc-pg', 'pg.example.com', 5432, 'svc', 'svc', 'verify-full', 'servicepw1'],
    ['shop-db-2', 'db.example.com', 6543, 'web', 'shop', 'require', 's@crET1'],
  ]);
  const after = Object.keys(FILES).map(read).join('\n');
  expect(after).not.toMatch(SECRETS);
  expect(`${done.out}${done.notes}`).not.toMatch(SECRETS);
  expect(read('.pgpass')).toContain('*:*:*:*:everywhere9');
  expect(read('.pg_service.conf')).toMatch(
    /host=127\.0\.0\.1\nuser=svc-pg\n# moved.*\nport=7432\ndbname=svc\n\n\[other\]\nhost=x\n$/,
  );
  expect(read('.env')).toContain(
    'export DATABASE_URL="postgres://shop-db-2@127.0.0.1:7432/shop"\nOTHER=postgres://web@h/x',
  );
  expect(done.out).toContain('svc@pg.example.com:5432/svc (connection svc-pg)');
  expect(done.notes).toContain('any host or user');

  const sealed = readdirSync(HOME).find((name) => name.endsWith('.age'))!;
  expect(statSync(at(sealed)).mode & 0o777).toBe(0o600);
  expect(read(sealed)).not.toMatch(SECRETS);
  const wrong = await run(['restore', at(sealed)], { typed: ['another passphrase'] });
  expect([wrong.code, wrong.notes]).toEqual([1, expect.stringContaining('passphrase')]);
  expect((await run(['restore', at(sealed)], { typed: [PASSPHRASE] })).code).toBe(0);
  for (const [name, text] of Object.entries(FILES)) expect(read(name)).toBe(text);
}, 60_000);

test('what does not work is left where it is, and nothing is registered for it', async () => {
  writeAll();
  const { kept, answers } = gateway(() => false);
  const done = await run(['adopt', '--project', HOME], { answers, typed: [PASSPHRASE, PASSPHRASE, '739281'] });
  expect([done.code, kept.size]).toEqual([1, 0]);
  for (const [name, text] of Object.entries(FILES)) expect(read(name)).toBe(text);
  expect(readdirSync(HOME).sort()).toEqual(Object.keys(FILES).sort());
}, 60_000);

test('a dry run asks nothing and changes nothing', async () => {
  writeAll();
  const done = await run(['adopt', '--project', HOME, '--dry-run']);
  expect([done.code, done.asked, done.calls]).toEqual([0, [], []]);
  expect(done.out).toContain('app@db.example.com:5432/shop');
  expect(done.out).not.toMatch(SECRETS);
  rmSync(at('.pgpass'));
  rmSync(at('.pg_service.conf'));
  writeFileSync(at('.env'), 'A=1\n');
  expect((await run(['adopt', '--project', HOME])).notes).toContain('No credentials');
});

const OTHERS: Readonly<Record<string, Buffer>> = {
  '.my.cnf': Buffer.from('[client]\nuser=app\npassword=mySECRET\n'),
  '.aws/credentials': Buffer.from('[default]\naws_access_key_id=AKIA1\naws_secret_access_key=awsSECRET\n'),
  '.aws/config': Buffer.from('[default]\nregion=eu-west-1\n'),
  '.kube/config': Buffer.from('users:\n- name: ada\n  user:\n    token: kubeSECRET # mine\n'),
  // A byte that is no UTF-8 stays what it is.
  '.git-credentials': Buffer.concat([
    Buffer.from('https://ada:gitSECRET@git.example.com\n# '),
    Buffer.of(0xff, 0xfe),
    Buffer.from('\r\n'),
  ]),
};

function writeOthers(): void {
  for (const folder of ['.aws', '.kube', 'dotfiles']) mkdirSync(at(folder));
  for (const [name, bytes] of Object.entries(OTHERS)) writeFileSync(at(name), bytes, { mode: 0o600 });
  // As people who keep their settings in a repository have it.
  writeFileSync(at('dotfiles/netrc'), 'machine github.com login ada password netSECRET\n');
  chmodSync(at('dotfiles/netrc'), 0o640);
  symlinkSync('dotfiles/netrc', at('.netrc'));
}
const OLD_OTHERS = () => Object.fromEntries(Object.keys(OTHERS).map((name) => [name, readFileSync(at(name))]));

test('credentials of other protocols are listed and stay, until they are named', async () => {
  writeOthers();
  const { stored, answers } = gateway();
  const listed = await run(['adopt', '--project', HOME], { answers });
  expect([listed.code, listed.asked, stored.size]).toEqual([0, [], 0]);
  expect(listed.out).toContain('key AKIA1 of the AWS profile default');
  expect(listed.notes).toContain('--also mysql,aws,kube,git');
  expect(`${listed.out}${listed.notes}`).not.toMatch(/SECRET/);
  expect(OLD_OTHERS()).toEqual(OTHERS);
  expect((await run(['adopt', '--also', 'azure'], { answers })).notes).toContain('azure is none');
});

test('named ones go to the vault kind by kind, each once a person said so, and come back byte for byte', async () => {
  writeOthers();
  const { stored, answers } = gateway();
  const typed = ['no', 'yes', 'yes', PASSPHRASE, PASSPHRASE, '739281'];
  const done = await run(['adopt', '--project', HOME, '--also', 'git,kube,aws'], { answers, typed });
  expect([done.code, done.asked.map(({ question }) => question).slice(0, 3)]).toEqual([
    0,
    ['AWS', 'Kubernetes', 'Git'].map((name) => `Move the credentials of ${name}? (yes or no): `),
  ]);
  expect(done.out).toContain('Until the gateway speaks Kubernetes, kubectl');
  expect([...stored.values()]).toEqual([
    { token: 'kubeSECRET' },
    { protocol: 'https', host: 'git.example.com', username: 'ada', password: 'gitSECRET' },
    { protocol: 'https', host: 'github.com', username: 'ada', password: 'netSECRET' },
  ]);
  expect(OLD_OTHERS()).toEqual({
    ...OTHERS,
    '.kube/config': Buffer.from('users:\n- name: ada\n  user:\n    token: "" # mine\n'),
    '.git-credentials': OTHERS['.git-credentials']!.subarray(OTHERS['.git-credentials']!.indexOf('#')),
  });
  expect(read('.netrc')).toBe('machine github.com login ada \n');
  expect([lstatSync(at('.netrc')).isSymbolicLink(), statSync(at('.netrc')).mode & 0o777]).toEqual([true, 0o640]);
  expect(done.out).toMatch(/new one.*\n.*Kubernetes: token of the Kubernetes user ada/);
  expect(`${done.out}${done.notes}`).not.toMatch(/SECRET/);
  const sealed = readdirSync(HOME).find((name) => name.endsWith('.age'))!;
  rmSync(at('.git-credentials'));
  expect((await run(['restore', at(sealed)], { typed: [PASSPHRASE] })).code).toBe(0);
  expect(OLD_OTHERS()).toEqual(OTHERS);
  expect(read('.netrc')).toContain('netSECRET');
  expect(statSync(at('.git-credentials')).mode & 0o777).toBe(0o600);
}, 60_000);

test('a run that is cut off loses nothing, and another one finishes it', async () => {
  writeOthers();
  const answers = { typed: ['yes', 'yes', 'yes', 'yes', PASSPHRASE, PASSPHRASE, '739281'] };
  const args = ['adopt', '--project', HOME, '--also', 'git,kube,aws,mysql'];
  const cut = gateway(() => true, 2);
  const first = await run(args, { answers: cut.answers, ...answers });
  expect([first.code, cut.stored.size]).toEqual([1, 2]);
  // What was kept is out of its file, the rest is where it was, and the way back has all of it.
  expect([read('.my.cnf'), read('.aws/credentials')].join()).not.toMatch(/SECRET/);
  for (const name of ['.kube/config', '.git-credentials']) expect(readFileSync(at(name))).toEqual(OTHERS[name]);
  const whole = gateway();
  const second = await run(args, {
    answers: whole.answers,
    typed: ['yes', 'yes', PASSPHRASE, PASSPHRASE, '739281'],
  });
  expect([second.code, whole.stored.size]).toEqual([0, 3]);
  const [sealed] = readdirSync(HOME)
    .filter((name) => name.endsWith('.age'))
    .sort();
  expect((await run(['restore', at(sealed!)], { typed: [PASSPHRASE] })).code).toBe(0);
  expect(OLD_OTHERS()).toEqual(OTHERS);
}, 60_000);

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Connection } from '../contract/connection.ts';
import { runCommand } from './test-cli.ts';

let HOME: string;
beforeEach(() => {
  HOME = mkdtempSync(join(tmpdir(), 'cs-adopt-'));
});
afterEach(() => rmSync(HOME, { recursive: true, force: true }));

const at = (name: string) => join(HOME, name);
const read = (name: string) => readFileSync(at(name), 'utf8');

/** A gateway that keeps what it is told; `works` says of which host. */
function gateway(works: (host: string) => boolean = () => true) {
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
  };
  return { kept, answers };
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
  expect((await run(['adopt', '--project', HOME])).notes).toContain('No password');
});

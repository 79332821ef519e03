import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { startOidcProvider, type TestOidcProvider } from '../support/oidc-provider.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { RUN_ALL, startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, runClient, setTestPin, startClient, TEST_PIN } from '../support/side-by-side.ts';

/** What groups may do on one connection, whatever a policy that allows everything says; with psql. */
const psql = component('psql');
const ACCESS = { readers: 'read-only', writers: 'read-write', dba: 'admin' } as const;

describe.skipIf(psql.missing)('levels of access (needs psql)', () => {
  let provider: TestOidcProvider;
  let postgres: TestPostgres;
  let gateway: TestService;
  beforeAll(async () => {
    provider = await startOidcProvider();
    for (const [name, ...groups] of [
      ['ada', 'readers'],
      ['bob', 'readers', 'writers'],
      ['eve', 'dba'],
      ['max', 'others'],
    ])
      provider.accounts.set(name!, { email: `${name}@acme.example`, groups });
    postgres = await startPostgres();
    gateway = await startTestService({
      connections: [
        superuserConnection(postgres, { access: ACCESS }),
        superuserConnection(postgres, { id: 'watched', access: ACCESS, mode: 'observe' }),
      ],
      policy: RUN_ALL,
    });
    await setTestPin(gateway);
    await gateway.control.call('putProvider', {
      provider: { id: 'acme', issuer: provider.issuer, clientId: provider.clientId },
      pin: TEST_PIN,
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    await postgres?.stop();
    await provider?.stop();
  });

  async function as(account: string): Promise<void> {
    const { control } = gateway;
    await control.call('signOut', {});
    const { id, url } = await control.call('signIn', {});
    await fetch(await provider.signIn(url!, account));
    await eventually('a sign-in', async () => {
      const view = await control.call('signInState', { id });
      return view.state === 'waiting' ? null : view;
    });
  }

  async function said(sql: string, connection = 'demo'): Promise<string> {
    const { env } = await gateway.connect(connection);
    return (await runClient(psql.path, ['-X', '-A', '-t', '-c', sql], env)).out;
  }

  const CREATE = 'CREATE TABLE t (n int)';
  const INSERT = 'INSERT INTO t VALUES (7)';
  const READ = 'SELECT n FROM t';

  describe('a connection with levels', () => {
    it('gives admins what policy gives', async () => {
      await as('eve');
      expect(await said(CREATE)).toContain('CREATE TABLE');
      expect(await said(INSERT)).toContain('INSERT 0 1');
      expect(await said(READ)).toContain('7');
    });

    it('gives readers reads alone, by no detour', async () => {
      await as('ada');
      expect(await said(READ)).toContain('7');
      for (const sql of [
        INSERT,
        'DROP TABLE t',
        'WITH x AS (DELETE FROM t RETURNING n) SELECT n FROM x',
        'SELECT n INTO u FROM t',
        'COPY t FROM STDIN',
        'DO $$ BEGIN DELETE FROM t; END $$',
        'SET ROLE postgres',
        "SELECT query_to_xml('DELETE FROM t', true, true, '')",
        "SELECT nextval('s')",
      ])
        expect(await said(sql), sql).toMatch(/ERROR: .*ada@acme\.example has read-only access to demo/);
      expect(await said(READ)).toContain('7');
    });

    it('holds in observe mode too, which forwards what policy would deny', async () => {
      await as('ada');
      expect(await said(READ, 'watched')).toContain('7');
      expect(await said(INSERT, 'watched')).toContain('has read-only access to watched');
    });

    it('gives the highest of a person’s groups, and writers no more than rows', async () => {
      await as('bob');
      expect(await said(INSERT)).toContain('INSERT 0 1');
      expect(await said('DROP TABLE t')).toContain('has read-write access to demo, and this is destructive');
    });

    it('lets nobody in who is in none of the groups, and says so', async () => {
      await as('max');
      await expect(gateway.connect()).rejects.toMatchObject({
        code: 'ACCESS_NONE',
        message: expect.stringContaining('it is for the groups readers, writers, dba'),
      });
    });

    it('ends what is open, and refuses its token, when the levels are others', async () => {
      const { control } = gateway;
      await as('ada');
      const { env } = await gateway.connect();
      const open = startClient(psql.path, ['-X', '-c', 'SELECT pg_sleep(60)'], env);
      await eventually('a session', async () => (await control.call('sessions', { state: 'open' })).items[0] ?? null);
      const { secret: _, ...connection } = superuserConnection(postgres, { access: { dba: 'admin' } });
      await control.call('putConnection', { id: 'demo', connection, pin: TEST_PIN });
      expect((await open.ended).out).toContain('levels of access to demo are others now');
      expect((await runClient(psql.path, ['-X', '-c', 'SELECT 1'], env)).out).toMatch(/password|access/);
    });
  });
});

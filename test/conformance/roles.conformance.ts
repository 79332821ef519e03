import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { loggedEntries } from '../support/device-log.ts';
import { startOidcProvider, type TestOidcProvider } from '../support/oidc-provider.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { RUN_ALL, startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, runClient, setTestPin, TEST_PIN } from '../support/side-by-side.ts';

/** Who may do what with a gateway, by the groups of a real provider (oidc-provider), with real sessions of psql. */
const psql = component('psql');
const GROUPS = { developer: ['devs'], approver: ['leads'], auditor: ['audit'], admin: ['ops'] };
const pin = TEST_PIN;

describe.skipIf(psql.missing)('roles by groups (needs psql)', () => {
  let provider: TestOidcProvider;
  let postgres: TestPostgres;
  let gateway: TestService;
  let adas: string;
  beforeAll(async () => {
    provider = await startOidcProvider();
    for (const [name, ...groups] of [['ada', 'devs'], ['bob', 'devs'], ['eve', 'audit'], ['root', 'ops'], ['max']])
      provider.accounts.set(name!, { email: `${name}@acme.example`, groups });
    postgres = await startPostgres();
    gateway = await startTestService({ connections: [superuserConnection(postgres)], policy: RUN_ALL });
    await setTestPin(gateway);
    const { control } = gateway;
    await control.call('putProvider', {
      provider: { id: 'acme', issuer: provider.issuer, clientId: provider.clientId },
      pin,
    });
    await as('root');
    await control.call('putRoles', { groups: GROUPS, pin });
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
    const over = await eventually('a sign-in', async () => {
      const view = await control.call('signInState', { id });
      return view.state === 'waiting' ? null : view;
    });
    expect(over.state).toBe('done');
  }

  async function run(sql: string): Promise<string> {
    const { env } = await gateway.connect();
    await runClient(psql.path, ['-X', '-A', '-t', '-c', sql], env);
    const { control } = gateway;
    return eventually('the session in the index', async () => {
      const { items } = await control.call('search', { q: `"${sql}"` });
      return items[0]?.sessionId ?? null;
    });
  }

  it('a developer works, and changes nothing of the gateway', async () => {
    const { control } = gateway;
    await as('ada');
    expect((await control.call('roles', {})).roles).toEqual(['developer']);
    adas = await run("SELECT 'of ada'");
    for (const call of [
      () => control.call('deleteConnection', { id: 'demo', pin }),
      () => control.call('stagePolicy', { text: RUN_ALL }),
      () => control.call('putRoles', { groups: null, pin }),
      () => control.call('deleteProvider', { id: 'acme', pin }),
    ])
      await expect(call()).rejects.toMatchObject({
        code: 'ROLE_REQUIRED',
        message: expect.stringContaining('ask for one of the groups that give it (ops)'),
      });
  });

  it('another developer sees nothing of it, by no route', async () => {
    const { control } = gateway;
    await as('bob');
    const own = await run("SELECT 'of bob'");
    expect((await control.call('sessions', {})).items.map(({ id }) => id)).toEqual([own]);
    expect((await control.call('search', { q: 'ada' })).items).toEqual([]);
    expect((await control.call('search', { person: '*' })).items.every(({ sessionId }) => sessionId === own)).toBe(
      true,
    );
    expect((await control.call('insights', {})).operations).toBe(1);
    expect((await control.call('summary', { since: '2000-01-01T00:00:00Z' })).sessions).toBe(1);
    for (const call of [
      () => control.call('session', { id: adas }),
      () => control.call('statements', { id: adas }),
      () => control.call('result', { id: adas, index: 0 }),
      () => control.call('verifySession', { id: adas }),
      () => control.call('undoPlan', { id: adas, exchange: 0 }),
      () => control.call('undoContents', { id: adas, exchange: 0, pin }),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'SESSION_OF_ANOTHER' });
    await expect(control.call('policySuggestions', {})).rejects.toMatchObject({ code: 'ROLE_REQUIRED' });
  });

  it('an auditor sees all of it, which the device’s log says before, and lets nothing through', async () => {
    const { control } = gateway;
    await as('eve');
    expect((await control.call('result', { id: adas, index: 0 })).rows).toEqual([['of ada']]);
    const entries = await loggedEntries(gateway.service.home);
    const reads = entries.filter((entry) => entry.type === 'read');
    expect(reads).toEqual([expect.objectContaining({ how: 'opened', sids: [adas], by: 'eve@acme.example' })]);
    expect((await control.call('sessions', {})).total).toBe(2);
    await expect(gateway.connect()).rejects.toMatchObject({ code: 'ROLE_REQUIRED' });
    await expect(control.call('putConnection', { id: 'x', connection: connection('x'), pin })).rejects.toMatchObject({
      code: 'ROLE_REQUIRED',
    });
  });

  it('whoever has no role sees neither sessions nor connections, and is told what to do', async () => {
    await as('max');
    await expect(gateway.control.call('sessions', {})).rejects.toMatchObject({
      message: expect.stringContaining('max@acme.example has no role here'),
    });
    await expect(gateway.control.call('connections', {})).rejects.toMatchObject({ code: 'ROLE_REQUIRED' });
  });

  const connection = (id: string) => {
    const { secret: _, ...rest } = superuserConnection(postgres);
    return { ...rest, id };
  };

  it('an admin changes connections, and reads no session', async () => {
    const { control } = gateway;
    await as('root');
    expect(await control.call('putConnection', { id: 'x', connection: connection('x'), pin })).toMatchObject({
      id: 'x',
    });
    await expect(control.call('session', { id: adas })).rejects.toMatchObject({ code: 'ROLE_REQUIRED' });
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { loggedEntries } from '../support/device-log.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, TEST_PIN as pin, runClient, setTestPin, startClient } from '../support/side-by-side.ts';

/** Break-glass with psql: where policy asks a group that nobody here is in. */
const psql = component('psql');
const POLICY = `@id("all") permit (principal, action, resource);
@id("dba") @require("click") @approvers("dba") @approvals("2") @notRequester("yes")
forbid (principal, action, resource) when { context has class && context.class == "write" };
@id("never") @reason("tables are never dropped here")
forbid (principal, action, resource) when { context has class && context.class == "destructive" };
`;
const REASON = 'the shop takes no orders';
const INSERT = 'INSERT INTO t VALUES (7)';

describe.skipIf(psql.missing)('break-glass (needs psql)', () => {
  let postgres: TestPostgres;
  let gateway: TestService;
  beforeAll(async () => {
    postgres = await startPostgres();
    await postgres.query('CREATE TABLE t (n int)');
    gateway = await startTestService({ connections: [superuserConnection(postgres)], policy: POLICY });
    await setTestPin(gateway);
  });
  afterAll(async () => {
    await gateway?.stop();
    await postgres?.stop();
  });

  const arguments_ = (sql: string) => ['-X', '-A', '-t', '-c', sql];
  async function said(sql: string): Promise<string> {
    const { env } = await gateway.connect();
    return (await runClient(psql.path, arguments_(sql), env)).out;
  }
  async function asked(sql: string) {
    const { env } = await gateway.connect();
    const client = startClient(psql.path, arguments_(sql), env);
    const approval = await eventually(
      'a request',
      async () => (await gateway.control.call('approvals', {})).items[0] ?? null,
    );
    return { client, approval };
  }

  describe('emergency access', () => {
    it('is nobody’s until it is allowed, and takes the PIN and a reason', async () => {
      const { control } = gateway;
      await expect(control.call('beginEmergency', { reason: REASON, pin })).rejects.toMatchObject({
        code: 'EMERGENCY_FORBIDDEN',
      });
      await control.call('putEmergency', { settings: { allowed: true }, pin });
      await expect(control.call('beginEmergency', { reason: 'x', pin })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      await expect(control.call('beginEmergency', { reason: REASON, pin: '000001' })).rejects.toMatchObject({
        code: 'PIN_WRONG',
      });
    });

    it('lets the person’s own PIN do for a group, forbids what is forbidden, and marks all of it', async () => {
      const { control, service } = gateway;
      await control.call('beginEmergency', { reason: REASON, pin });
      expect((await control.call('status', {})).emergency).toMatchObject({ reason: REASON });
      const { client, approval } = await asked(INSERT);
      const decision = { id: approval.id, digest: approval.operation.digest, decision: 'approve' as const };
      await expect(control.call('decide', decision)).rejects.toMatchObject({ code: 'PIN_REQUIRED' });
      await control.call('decide', { ...decision, pin });
      expect((await client.ended).out).toContain('INSERT 0 1');
      expect(await said('DROP TABLE t')).toContain('tables are never dropped here');
      expect(await said('SELECT n FROM t')).toContain('7');

      const reads = await eventually('the read in the index', async () => {
        const { items } = await control.call('search', { q: '"SELECT n FROM t"' });
        return items.length > 0 ? items : null;
      });
      expect(reads[0]!.text).toBe('SELECT n FROM t');
      const entries = (await loggedEntries(service.home)).filter(({ type }) => type === 'emergency');
      expect(entries).toEqual([expect.objectContaining({ state: 'begun', reason: REASON })]);
    });

    it('is over when it is ended, with what waited by it', async () => {
      const { control, service } = gateway;
      const { client } = await asked(INSERT);
      await control.call('endEmergency', {});
      expect((await client.ended).out).toContain('the emergency access ended while this waited');
      expect((await control.call('status', {})).emergency).toBeNull();
      expect(await said(INSERT)).toMatch(/ERROR: .*dba/);
      const entries = (await loggedEntries(service.home)).filter(({ type }) => type === 'emergency');
      expect(entries).toHaveLength(2);
    });
  });
});

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { RUN_ALL, startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, runClient } from '../support/side-by-side.ts';

/** What whoever has an agent's token can do with it, and where (SECURITY.md, stolen tokens). */
const psql = component('psql');
const OTHER_USER = 65_534;
/** 127.0.0.1 and ::1, as Linux writes them. */
const LOOPBACK = ['0100007F', '00000000000000000000000001000000'];

describe.skipIf(psql.missing)('a stolen token (needs psql)', () => {
  let postgres: TestPostgres;
  let gateway: TestService;
  let env: NodeJS.ProcessEnv;
  let token: string;
  beforeAll(async () => {
    postgres = await startPostgres();
    const other = superuserConnection(postgres, { id: 'other' });
    gateway = await startTestService({ connections: [superuserConnection(postgres), other], policy: RUN_ALL });
    ({ env, token } = await gateway.connect());
  });
  afterAll(async () => {
    await gateway?.stop();
    await postgres?.stop();
  });

  const run = (sql: string, more: NodeJS.ProcessEnv = {}) =>
    runClient(psql.path, ['-X', '-A', '-t', '-c', sql], { ...env, ...more });

  it.skipIf(process.platform !== 'linux')('is of no use to another machine: the gateway listens on loopback', () => {
    const { postgres: pg, mcp, control } = gateway.service;
    const ports = [pg.port, mcp.port, Number(new URL(control.url).port)];
    const listening = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
      readFileSync(file, 'latin1')
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .filter(([, , , state]) => state === '0A')
        .map(([, local = '']) => local.split(':'))
        .filter(([, port = '']) => ports.includes(Number.parseInt(port, 16))),
    );
    expect(new Set(listening.map(([, port]) => port)).size).toBe(3);
    for (const [address] of listening) expect(LOOPBACK).toContain(address);
  });

  it('lets another process of the same user in, within the policy, and its process is recorded', async () => {
    expect((await run("SELECT 'taken'")).out).toContain('taken');
    const session = await eventually('the session', async () => {
      const { items } = await gateway.control.call('sessions', {});
      return items[0] ?? null;
    });
    expect(session.agent.name).toBe('psql');
    expect(session.agent.parents.map(({ pid }) => pid)).toContain(process.pid);
  });

  it.skipIf(process.getuid?.() !== 0)('lets another user of the machine in (as root: takes another uid)', async () => {
    const taken = await runClient(
      '/usr/bin/setpriv',
      [`--reuid=${OTHER_USER}`, '--clear-groups', psql.path, '-X', '-A', '-t', '-c', "SELECT 'by another'"],
      env,
    );
    expect(taken.out).toContain('by another');
  });

  it('is for one connection, and for nothing but its data', async () => {
    expect((await run('SELECT 1', { PGUSER: 'other' })).out).toMatch(/FATAL/);
    const url = new URL('/api/status', gateway.service.control.url);
    const tries: Record<string, string>[] = [{ authorization: `Bearer ${token}` }, { cookie: `session=${token}` }];
    for (const headers of tries) expect((await fetch(url, { headers })).status).toBe(401);
  });

  it('is of no use once it is revoked', async () => {
    const { agentSessionId, env: mine } = await gateway.control.call('mintToken', { id: 'demo' });
    expect((await run("SELECT 'let in'", mine)).out).toContain('let in');
    await gateway.control.call('revokeToken', { id: agentSessionId });
    expect((await run("SELECT 'let in'", mine)).out).toContain('it was revoked');
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkFacts } from '../../gateway/audit/verify/session-facts.ts';
import type { Approval } from '../../gateway/contract/decision.ts';
import { StatementOperation } from '../../gateway/contract/operation.ts';
import {
  writeBind,
  writeExecute,
  writeParse,
  writeQuery,
  writeSync,
} from '../../gateway/protocols/postgres/codec/write-frontend.ts';
import { component } from '../components.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { RawClient } from '../support/raw-client.ts';
import { closedSessions } from '../support/recordings.ts';
import {
  eventually,
  nextHeld,
  type SideBySide,
  setTestPin,
  startClient,
  startSideBySide,
  TEST_PIN,
} from '../support/side-by-side.ts';

/** The shipped policy: a person decides through the public control API while the client waits. */
const psql = component('psql');

let postgres: TestPostgres;
let sides: SideBySide;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query('CREATE TABLE stock (i int); INSERT INTO stock VALUES (1)');
  sides = await startSideBySide(postgres);
  await setTestPin(sides);
});
afterAll(async () => {
  await sides?.stop();
  await postgres?.stop();
});

const count = async () => Number((await postgres.query('SELECT count(*) AS n FROM stock'))[0]?.n);
const approval = (id: string) => sides.control.call('approval', { id });

async function decide(decision: 'approve' | 'deny', message?: string) {
  const held = await nextHeld(sides.control);
  return sides.control.call('decide', {
    id: held.id,
    digest: held.operation.digest,
    decision,
    ...(decision === 'approve' ? { pin: TEST_PIN } : {}),
    ...(message === undefined ? {} : { message }),
  });
}

const statementOf = ({ operation }: Approval) => StatementOperation.parse(operation);

describe('a held statement', () => {
  it('runs once when it is approved, and asks again the next time', async () => {
    const before = await count();
    const client = await RawClient.connect(sides.gateway, { application_name: 'an agent' });
    client.send(writeQuery('INSERT INTO stock VALUES (2)'));
    const held = await nextHeld(sides.control);
    expect(held.operation.text).toBe('INSERT INTO stock VALUES (2)');
    expect(held.operation.agent.name).not.toBe('');
    expect(await count()).toBe(before);
    await decide('approve');
    expect(await client.until('Z')).toEqual(['C INSERT 0 1', 'Z I']);
    expect(await count()).toBe(before + 1);
    client.send(writeQuery('INSERT INTO stock VALUES (2)'));
    await decide('deny', 'once was enough');
    const error = await client.next();
    expect(error.body.toString('utf8')).toContain('once was enough');
    expect(await client.until('Z')).toEqual(['Z I']);
    expect(await count()).toBe(before + 1);
    client.end();
  });

  it('is shown with the parameters that it is bound to, by the extended protocol', async () => {
    const before = await count();
    const client = await RawClient.connect(sides.gateway);
    const bind = (text: string) => writeBind('', 'add', [new TextEncoder().encode(text)]);
    client.send(writeParse('add', 'INSERT INTO stock VALUES ($1)'), bind('7'), writeExecute(''), writeSync());
    const held = await nextHeld(sides.control);
    expect(statementOf(held).parameters.map(({ value }) => atob(value ?? ''))).toEqual(['7']);
    await decide('approve');
    expect(await client.until('Z')).toEqual(['1', '2', 'C INSERT 0 1', 'Z I']);
    client.send(bind('8'), writeExecute(''), writeSync());
    expect((await nextHeld(sides.control)).operation.digest).not.toBe(held.operation.digest);
    await decide('deny');
    expect(await client.until('Z')).toEqual(['2', 'E ERROR 42501', 'Z I']);
    expect(await count()).toBe(before + 1);
    client.end();
  });

  it('cannot be approved for another digest, nor what destroys without the PIN', async () => {
    const client = await RawClient.connect(sides.gateway);
    client.send(writeQuery('TRUNCATE stock'));
    const held = await nextHeld(sides.control);
    const other = { id: held.id, digest: '0'.repeat(64), decision: 'approve', pin: TEST_PIN } as const;
    await expect(sides.control.call('decide', other)).rejects.toThrow();
    const { id, digest } = { id: held.id, digest: held.operation.digest };
    await expect(sides.control.call('decide', { id, digest, decision: 'approve' })).rejects.toThrow();
    await decide('deny');
    expect(await client.until('Z')).toEqual(['E ERROR 42501', 'Z I']);
    expect(await count()).toBeGreaterThan(0);
    client.end();
  });

  it('leaves other sessions, and what came before it, alone', async () => {
    const held = await RawClient.connect(sides.gateway);
    const other = await RawClient.connect(sides.gateway);
    held.send(writeQuery('SELECT 1'), writeQuery('DELETE FROM stock WHERE i = -1'), writeQuery('SELECT 2'));
    expect(await held.until('Z')).toEqual(['T', 'D 1', 'C SELECT 1', 'Z I']);
    await nextHeld(sides.control);
    other.send(writeQuery('SELECT 3'));
    expect(await other.until('Z')).toEqual(['T', 'D 3', 'C SELECT 1', 'Z I']);
    await decide('approve');
    expect(await held.until('Z', 2)).toEqual(['C DELETE 0', 'Z I', 'T', 'D 2', 'C SELECT 1', 'Z I']);
    held.end();
    other.end();
  });

  it('in a transaction that it fails when it is denied', async () => {
    const client = await RawClient.connect(sides.gateway);
    client.send(writeQuery('BEGIN'));
    await client.until('Z');
    client.send(writeQuery('DELETE FROM stock WHERE i = 1'));
    await decide('deny');
    expect(await client.until('Z')).toEqual(['E ERROR 42501', 'Z E']);
    client.send(writeQuery('SELECT 1'), writeQuery('ROLLBACK'));
    expect(await client.until('Z', 2)).toEqual(['E ERROR 25P02', 'Z E', 'C ROLLBACK', 'Z I']);
    client.end();
  });

  it('is withdrawn when its client goes away', async () => {
    const client = await RawClient.connect(sides.gateway);
    client.send(writeQuery('DELETE FROM stock WHERE i = 3'));
    const held = await nextHeld(sides.control);
    client.end();
    await eventually('the withdrawal', async () => ((await approval(held.id)).state === 'withdrawn' ? true : null));
    await expect(
      sides.control.call('decide', { id: held.id, digest: held.operation.digest, decision: 'approve', pin: TEST_PIN }),
    ).rejects.toThrow();
  });

  it.skipIf(psql.missing)('is cancelled by ^C in psql, and withdrawn', async () => {
    const client = startClient(psql.path, ['-X', '-c', 'DELETE FROM stock WHERE i = 4'], sides.gateway);
    const held = await nextHeld(sides.control);
    client.process.kill('SIGINT');
    const { out, code } = await client.ended;
    expect(out).toContain('ERROR:  canceling statement due to user request');
    expect(code).toBe(1);
    expect((await approval(held.id)).state).toBe('withdrawn');
  });

  it.skipIf(psql.missing)('tells psql why it was denied', async () => {
    const client = startClient(psql.path, ['-X', '-c', 'DELETE FROM stock WHERE i = 5'], sides.gateway);
    await decide('deny', 'not on a Friday');
    expect((await client.ended).out).toMatch(/ERROR: {2}.*not on a Friday[\s\S]*DETAIL: [\s\S]*HINT: /);
  });

  it('ends in a denial when nobody decides in time', async () => {
    const hasty = await startSideBySide(postgres, { expireAfterSeconds: 1 });
    try {
      const client = await RawClient.connect(hasty.gateway);
      client.send(writeQuery('DELETE FROM stock WHERE i = 6'));
      const held = await nextHeld(hasty.control);
      const error = await client.next();
      expect(error.body.toString('utf8')).toContain('nobody approved it');
      expect(await client.until('Z')).toEqual(['Z I']);
      expect((await hasty.control.call('approval', { id: held.id })).state).toBe('expired');
      client.end();
    } finally {
      await hasty.stop();
    }
  });

  it('asks at its Execute for what SQL or a cursor runs later', async () => {
    const client = await RawClient.connect(sides.gateway);
    client.send(writeQuery('PREPARE later AS INSERT INTO stock VALUES (9)'));
    await decide('approve');
    expect(await client.until('Z')).toEqual(['C PREPARE', 'Z I']);
    client.send(writeQuery('EXECUTE later'));
    await decide('deny');
    expect(await client.until('Z')).toEqual(['E ERROR 42501', 'Z I']);
    client.send(writeBind('', 'later', []), writeExecute(''), writeSync());
    await decide('deny');
    expect(await client.until('Z')).toEqual(['2', 'E ERROR 42501', 'Z I']);
    client.end();
  });

  it('is recorded so that an auditor makes the digest of what was asked for again', async () => {
    const client = await RawClient.connect(sides.gateway, { application_name: 'digests' });
    const bound = writeBind('', 'put', [new TextEncoder().encode('11')]);
    client.send(writeParse('put', 'INSERT INTO stock VALUES ($1)'), bound, writeExecute(''), writeSync());
    await decide('approve');
    await client.until('Z');
    client.send(writeQuery("SET search_path = 'public'; INSERT INTO stock VALUES (12)"));
    await decide('deny');
    await client.until('Z');
    client.end();
    const [session] = await closedSessions(sides.service.home, 'digests');
    const checks = await checkFacts(session!.folder, { note: null, now: '' } as never, null, null);
    expect(checks.find(({ name }) => name === 'approvals')).toMatchObject({
      status: 'ok',
      sentence: expect.stringMatching(/^2 requests .*each digest was made again from the operation as recorded/),
    });
  });
});

import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { startTestService, superuserConnection, type TestService } from '../../support/service.ts';
import { PIN } from './support/stage.ts';

const PROGRAM = fileURLToPath(new URL('../../../gateway/index.ts', import.meta.url));

let postgres: TestPostgres;
let service: TestService;
let client: Client;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(
    "CREATE TABLE people (id int PRIMARY KEY, mail text); INSERT INTO people VALUES (1, 'ada@example.com'), (2, NULL)",
  );
  service = await startTestService({
    connections: [
      superuserConnection(postgres, { columns: [{ table: 'people', column: 'mail', entity: 'EMAIL_ADDRESS' }] }),
    ],
  });
  await service.control.call('setPin', { pin: PIN, code: service.service.loginCode });
  client = new Client({ name: 'agent', version: '1' });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [PROGRAM, 'mcp-server'],
      env: { ...(process.env as Record<string, string>), COUNTERSIGN_SOCKET: service.service.control.socketPath },
      stderr: 'ignore',
    }),
  );
});
afterAll(async () => {
  await client?.close();
  await service?.stop();
  await postgres?.stop();
});

async function use(name: string, args: Record<string, unknown> = {}): Promise<{ text: string; isError: boolean }> {
  const { content, isError } = await client.callTool({ name, arguments: args });
  return { text: (content as { text: string }[])[0]!.text, isError: isError === true };
}
const query = (sql: string) => use('query', { connection: 'demo', sql });

async function waiting() {
  const list = async () => (await service.control.call('approvals', {})).items;
  await expect.poll(async () => (await list()).length, { timeout: 20_000 }).toBe(1);
  return (await list())[0]!;
}
async function decide(decision: 'approve' | 'deny', message?: string) {
  const { id, operation } = await waiting();
  await service.control.call('decide', {
    id,
    digest: operation.digest,
    decision,
    pin: PIN,
    ...(message === undefined ? {} : { message }),
  });
}

describe('countersign mcp-server', () => {
  it('has four tools, and none that decides', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual([
      'explain_denial',
      'list_connections',
      'query',
      'wait_for_approval',
    ]);
  });

  it('lists connections without what leads to them', async () => {
    const { text } = await use('list_connections');
    expect(JSON.parse(text)).toMatchObject([{ id: 'demo', kind: 'postgres', mode: 'enforce' }]);
    expect(text).not.toContain(postgres.password);
    expect(text).not.toContain('"port"');
  });

  it('gives rows as the gateway shows them', async () => {
    const { text } = await query('SELECT id, mail FROM people ORDER BY id');
    expect(JSON.parse(text)).toMatchObject({
      columns: ['id', 'mail'],
      rows: [
        ['1', '[EMAIL_ADDRESS]'],
        ['2', null],
      ],
      rowCount: 2,
      cut: false,
      command: 'SELECT',
    });
  });

  it('cuts what is long, and says how much there was', async () => {
    const { text } = await query('SELECT generate_series(1, 5000) AS n');
    const result = JSON.parse(text);
    expect([result.rows.length, result.rowCount, result.cut]).toEqual([1000, 5000, true]);
  });

  it('waits for a person, and runs what was approved', async () => {
    const [, { text }] = await Promise.all([decide('approve'), query('DELETE FROM people')]);
    expect(JSON.parse(text)).toMatchObject({ command: 'DELETE', rowCount: 2 });
  });

  it('says why something was denied, by policy and by a person', async () => {
    const never = await query('DROP DATABASE postgres');
    expect(never.isError).toBe(true);
    const { id, code } = JSON.parse(never.text);
    expect(code).toBe('42501');
    expect((await use('explain_denial', { id })).text).toContain('Dropping a database is never allowed');
    const [, denied] = await Promise.all([decide('deny', 'use the staging database'), query('TRUNCATE people')]);
    const explained = await use('explain_denial', { id: JSON.parse(denied.text).id });
    expect(explained.text).toContain('use the staging database');
    expect(explained.text).toContain('an agent cannot');
  });

  it('answers what it does not know with a sentence', async () => {
    expect(await use('query', { connection: 'none', sql: 'SELECT 1' })).toMatchObject({ isError: true });
    expect((await use('query', { connection: 'none', sql: 'SELECT 1' })).text).toContain('There is no connection none');
    expect(await use('wait_for_approval', { id: 'query-99' })).toMatchObject({ isError: true });
    expect((await query('SELECT 1 FROM nowhere')).text).toContain('does not exist');
  });

  it('leaves no session behind', async () => {
    const open = async () => {
      const { items } = await service.control.call('sessions', { connectionId: 'demo', state: 'open' });
      return items.length;
    };
    await expect.poll(open, { timeout: 20_000 }).toBe(0);
  });
});

import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoDataFolder } from '../../gateway/demo/embedded-postgres.ts';
import { gone } from '../../gateway/demo/stale-server.ts';
import { component } from '../components.ts';
import { COUNTERSIGN, type RunningGateway, runCountersign, startGateway } from '../support/gateway.ts';
import { runOnTerminal } from '../support/pseudo-terminal.ts';

const PIN = '246810';
const psql = component('psql');
const python = component('psycopg');

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await startGateway();
}, 120_000);
afterAll(() => gateway?.remove());

/** A statement through the gateway by psql, as an agent runs it. */
const agent = (sql: string) =>
  gateway.run(['connect', 'demo', '--exec', '--', psql.path, '-X', '-A', '-t', '-v', 'VERBOSITY=verbose', '-c', sql]);

async function waiting(): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { out } = await gateway.run(['approvals', 'list']);
    const id = /^\S+/.exec(out)?.[0];
    if (id !== undefined) return id;
  }
  throw new Error('nothing waits');
}

describe('start', () => {
  it('says where the console is, with a code beside the address and not in it', () => {
    expect(gateway.consoleUrl).toMatch(/^http:\/\/[\w.]+:\d+\/?$/);
    expect(gateway.loginCode).toMatch(/^[0-9A-Z]{5}-[0-9A-Z]{5}$/);
    expect(gateway.said()).toContain(`npm run countersign -- --home ${gateway.home} connect demo`);
  });

  it('keeps its home to itself', () => {
    expect(statSync(gateway.home).mode & 0o777).toBe(0o700);
  });

  it('refuses a second one in the same home, in a sentence', async () => {
    const second = await runCountersign(gateway.home, ['start', '--no-open', '--port', '0', '--console-port', '0']);
    expect(second.code).toBe(1);
    expect(second.err).toMatch(/^countersign: a gateway already runs with the home .*\n$/);
  });

  it('tells its status', async () => {
    const { code, out } = await gateway.run(['status']);
    expect(code).toBe(0);
    expect(out).toMatch(/^Recorder +works$/m);
    expect(out).toMatch(/^PIN +not set/m);
  });
});

describe.skipIf(psql.missing)('an agent with psql', () => {
  it('reads, and personal data is masked', async () => {
    const { code, out } = await agent('SELECT count(*), min(ssn), min(card_number) FROM customers');
    expect(code).toBe(0);
    expect(out).toMatch(/^500\|/);
    expect(out).not.toMatch(/\d{3}-\d{2}-\d{4}|\d{16}/);
  });

  it('is refused what the policy denies, with a reason', async () => {
    const { code, err } = await agent('DROP DATABASE shop');
    expect(code).toBe(1);
    expect(err).toContain('42501');
  });

  it('has a token that ends with its command', async () => {
    const { out } = await gateway.run([
      'connect',
      'demo',
      '--exec',
      '--',
      process.execPath,
      '-p',
      'JSON.stringify(process.env)',
    ]);
    const env = JSON.parse(out) as NodeJS.ProcessEnv;
    const late = spawnSync(psql.path, ['-X', '-w', '-c', 'SELECT 1'], { env, encoding: 'utf8' });
    expect(env.PGPASSWORD?.length).toBeGreaterThan(16);
    expect(late.status).not.toBe(0);
    expect(late.stdout).toBe('');
    expect(late.stderr).toMatch(/token/);
  });
});

describe('a decision on the command line', () => {
  it('takes no PIN from a pipe', async () => {
    const run = await gateway.run(['pin', 'set'], `${gateway.loginCode}\n${PIN}\n${PIN}\n`);
    expect(run.code).toBe(1);
    expect(run.err).toContain('typed by a person on a terminal');
    expect((await gateway.run(['status'])).out).toMatch(/^PIN +not set/m);
  });

  it.skipIf(python.missing || psql.missing)('is made with the PIN, typed unseen on a terminal', async () => {
    const set = await runOnTerminal(
      python.path,
      [...COUNTERSIGN, 'pin', 'set'],
      [
        ['One-time code', gateway.loginCode],
        ['New PIN', PIN],
        ['again', PIN],
      ],
      gateway.env,
    );
    expect(set).toMatchObject({ code: 0, shown: expect.stringContaining('The PIN is set.') });
    expect(set.shown).not.toContain(PIN);

    const held = agent("UPDATE orders SET status = 'packed' WHERE id = 17");
    const id = await waiting();
    const wrong = await runOnTerminal(
      python.path,
      [...COUNTERSIGN, 'approvals', 'approve', id],
      [['PIN', '999999']],
      gateway.env,
    );
    expect(wrong.code).toBe(1);
    const right = await runOnTerminal(
      python.path,
      [...COUNTERSIGN, 'approvals', 'approve', id],
      [['PIN', PIN]],
      gateway.env,
    );
    expect(right).toMatchObject({ code: 0, shown: expect.stringContaining(`approved: ${id}`) });
    expect(right.shown).toContain('UPDATE orders');
    expect(right.shown).not.toContain(PIN);
    expect(await held).toMatchObject({ code: 0, out: expect.stringContaining('UPDATE 1') });
  });

  it.skipIf(psql.missing)('denies with a sentence for the agent, without a PIN', async () => {
    const held = agent('DELETE FROM order_items');
    const denied = await gateway.run(['approvals', 'deny', await waiting(), '--message', 'not on my watch']);
    expect(denied.code).toBe(0);
    const { code, err } = await held;
    expect(code).toBe(1);
    expect(err).toContain('42501');
    expect(err).toContain('not on my watch');
  });
});

describe('stop', () => {
  it('ends everything it started, and says so', async () => {
    const lock = join(demoDataFolder(gateway.home), 'cluster', 'postmaster.pid');
    const server = Number.parseInt(readFileSync(lock, 'utf8'), 10);
    expect(await gateway.stop()).toBe(0);
    expect(gateway.said()).toContain('Stopped.');
    expect(await gone(server, 1_000)).toBe(true);
    const { code, err } = await gateway.run(['status']);
    expect(code).toBe(1);
    expect(err).toMatch(/^countersign: .*not running.*\n$/);
  });
});

import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium as playwright } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { ATTACK_IDS, ATTACKS, type AttackId, type Outcome } from '../hostile/attacks.ts';
import { installAttacker, keeping, openStage, PIN, type Stage, setUp } from '../hostile/stage.ts';
import type { Attempt } from '../hostile/tools.ts';
import { freePort, startPostgres, type TestPostgres } from '../support/postgres.ts';
import {
  type Developer,
  makeDeveloper,
  type ProtectedGateway,
  protectedMissing,
  protectGateway,
} from '../support/protected.ts';

/**
 * A hostile process: an ordinary user's, with an agent's token, against a gateway in each mode. What it
 * achieves is compared with what test/hostile/attacks.ts says, which is what SECURITY.md says.
 */
const missing = protectedMissing();
const browser = component('chromium');

/** What a test sees of an attempt whose effect the hostile process cannot see by itself. */
type Look = (stage: Stage, attempt: Attempt) => Promise<Outcome>;

/** Statements that the policy asks about: whether they run without anybody deciding. */
async function runsUnasked(stage: Stage, token: string): Promise<boolean> {
  const pg = await import('pg');
  const { postgresPort, connectionId, database } = stage.target();
  const client = new pg.default.Client({
    host: '127.0.0.1',
    port: postgresPort,
    user: connectionId,
    password: token,
    database: database.database,
  });
  await client.connect();
  const ran = client.query("UPDATE customers SET name = 'x' WHERE id = 9").then(
    () => true,
    () => false,
  );
  try {
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const { items } = await stage.control.call('approvals', {});
      const [held] = items;
      if (held) {
        await stage.control.call('decide', { id: held.id, digest: held.operation.digest, decision: 'deny' });
        return await ran;
      }
      if (await Promise.race([ran, new Promise((done) => setTimeout(() => done(false), 25))])) return true;
    }
    return await ran;
  } finally {
    await client.end();
  }
}

interface Logged {
  type: string;
  sid?: string;
  config?: string;
}

/** The device's log as its file says it: length, checksum, JSON. */
function deviceLog({ home }: Stage): Logged[] {
  const bytes = readFileSync(join(home, 'device', 'log', 'entries'));
  const entries: Logged[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    entries.push(JSON.parse(bytes.toString('utf8', at + 8, at + 8 + length)) as Logged);
    at += 8 + length;
  }
  return entries;
}

async function freshToken(stage: Stage): Promise<string> {
  return (await stage.control.call('mintToken', { id: stage.target().connectionId })).token;
}

/** Only for attempts that worked as far as the hostile process could see. */
const LOOKS: Partial<Record<AttackId, Look>> = {
  async 'edit-policy'(stage) {
    const isStill = () => freshToken(stage).then((token) => runsUnasked(stage, token));
    if (await isStill()) return 'possible';
    await stage.restart();
    if (await isStill()) return 'possible';
    const { policy } = await stage.control.call('status', {});
    return policy.error?.includes('changed outside') ? 'detected' : 'possible';
  },
  async 'forge-policy'(stage) {
    await stage.restart();
    return (await runsUnasked(stage, await freshToken(stage))) ? 'possible' : 'detected';
  },
  async 'edit-connections'(stage) {
    await stage.restart();
    const { items } = await stage.control.call('connections', {});
    return items[0]?.mode === 'observe' && items[0].masking === 'off' ? 'possible' : 'detected';
  },
  async 'edit-watch'(stage) {
    const before = deviceLog(stage).findLast(({ config }) => config !== undefined)?.config;
    await stage.restart();
    const after = deviceLog(stage).findLast(({ config }) => config !== undefined)?.config;
    return after !== undefined && after !== before ? 'detected' : 'possible';
  },
  async 'edit-device-log'(stage) {
    await stage.restart();
    const { problem } = await stage.control.call('device', {});
    const token = await freshToken(stage);
    const forwards = await runsUnasked(stage, token).then(
      () => true,
      () => false,
    );
    // The same change again is the old content; what a start wrote stays.
    const file = join(stage.home, 'device', 'log', 'entries');
    const bytes = readFileSync(file);
    bytes[20] = bytes[20]! ^ 1;
    writeFileSync(file, bytes);
    await stage.restart();
    return problem !== null && !forwards ? 'detected' : 'possible';
  },
  async 'delete-recording'(stage) {
    const { sessionId } = stage.target();
    const about = deviceLog(stage).filter(({ sid }) => sid === sessionId);
    const named = about.some(({ type }) => type === 'session-opened');
    return named && !about.some(({ type }) => type === 'removed') ? 'detected' : 'possible';
  },
  async 'forge-token'(stage) {
    await stage.restart();
    const token = readFileSync(join(stage.home, '..', 'forged-token'), 'utf8');
    const worked = await runsUnasked(stage, token).then(
      () => true,
      () => false,
    );
    return worked ? 'possible' : 'detected';
  },
  async 'edit-recording'(stage) {
    const { ok } = await stage.control.call('verifySession', { id: stage.target().sessionId });
    return ok ? 'possible' : 'detected';
  },
  async 'edit-index'(stage) {
    const { role } = await stage.control.call('session', { id: stage.target().sessionId });
    return role === 'somebody-else' ? 'possible' : 'enforced';
  },
  async kill(stage) {
    await stage.restart();
    const { items } = await stage.control.call('sessions', { state: 'incomplete' });
    return items.length > 0 ? 'detected' : 'possible';
  },
};

/** Files that an attempt spoils for those after it. */
const SPOILED: Partial<Record<AttackId, readonly string[]>> = {
  'guess-pin': ['pin.json'],
  'edit-policy': ['policy/active.cedar'],
  'forge-policy': ['policy/active.cedar', 'policy/active.json'],
  'edit-connections': ['connections.json'],
  'forge-token': ['tokens.json'],
  'edit-watch': ['sync.json', 'siem.json', 'alerts.json'],
};

/** These need the recording of the closed session, or the gateway as it was: they come last, in this order. */
const LAST: readonly AttackId[] = [
  'guess-code',
  'replace-program',
  'debugger',
  'edit-index',
  'edit-recording',
  'delete-recording',
  'edit-device-log',
  'kill',
];
const BROWSER: readonly AttackId[] = ['browser-profile', 'synthetic-input'];
const WITH_SESSION: readonly AttackId[] = ['cookie-alone', 'stolen-session', 'stolen-session-pin', 'replay-decision'];
const plain = ATTACK_IDS.filter((id) => !LAST.includes(id) && !BROWSER.includes(id));

describe(`a hostile process${missing ? ` (${missing})` : ''}`, { skip: missing !== false }, () => {
  let postgres: TestPostgres;
  let developer: Developer;
  let gateway: ProtectedGateway;
  let attacker: string;
  beforeAll(async () => {
    postgres = await startPostgres();
    await setUp(postgres);
    developer = makeDeveloper();
    gateway = await protectGateway(developer);
    attacker = installAttacker(developer);
  }, 120_000);
  afterAll(async () => {
    gateway?.remove();
    developer?.remove();
    await postgres?.stop();
  });

  describe.each(['protected', 'unprotected'] as const)('%s', (mode) => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await openStage(mode, developer, gateway, postgres, attacker);
    }, 60_000);
    afterAll(() => stage?.remove());

    it('is told as what it is, in the recording too', async () => {
      expect((await stage.control.call('status', {})).protection).toBe(mode);
      const recordings = join(stage.home, 'recordings', 'sessions');
      const all = readdirSync(recordings, { recursive: true, encoding: 'utf8' });
      const open = all.find((path) => path.endsWith(join(stage.target().sessionId, 'open.json'))) as string;
      const { info } = JSON.parse(readFileSync(join(recordings, open), 'utf8')) as { info: { protection: string } };
      expect(info.protection).toBe(mode);
    });

    async function outcomeOf(id: AttackId, more = {}): Promise<[Outcome, Attempt]> {
      const restore = (SPOILED[id] ?? []).map((name) => keeping(join(stage.home, name)));
      const session = WITH_SESSION.includes(id) ? await stage.session() : {};
      const attempt = await stage.attempt(id, { session, ...more });
      const outcome = attempt.worked ? await (LOOKS[id]?.(stage, attempt) ?? 'possible') : 'enforced';
      for (const back of restore) back();
      if (attempt.worked && restore.length > 0 && mode === 'unprotected') await stage.restart();
      return [outcome, attempt];
    }

    const asSaid = async (id: AttackId, skip: (why: string) => void) => {
      const [outcome, attempt] = await outcomeOf(id);
      if (attempt.skipped !== undefined) return skip(`${id}: ${attempt.skipped}`);
      expect([id, outcome, attempt.evidence]).toEqual([id, ATTACKS[id][mode], attempt.evidence]);
    };

    it.for(plain)('%s', (id, { skip }) => asSaid(id, skip));

    describe(`with the console open in Chromium ${browser.missing || ''}`, {
      skip: missing !== false || browser.missing !== false,
    }, () => {
      let process: ChildProcess;
      let opened: Browser;
      let more = {};
      beforeAll(async () => {
        const debuggingPort = await freePort();
        const chromiumProfile = join(developer.home, `profile-${mode}`);
        process = developer.start([
          browser.path,
          '--headless=new',
          '--no-sandbox',
          '--disable-gpu',
          '--no-first-run',
          `--user-data-dir=${chromiumProfile}`,
          `--remote-debugging-port=${debuggingPort}`,
          'about:blank',
        ]);
        await new Promise<void>((done, fail) => {
          process.stderr?.on('data', (chunk: Buffer) => chunk.includes('DevTools listening') && done());
          process.once('exit', () => fail(new Error('Chromium ended')));
        });
        opened = await playwright.connectOverCDP(`http://127.0.0.1:${debuggingPort}`);
        const context = opened.contexts()[0]!;
        const page = context.pages()[0] ?? (await context.newPage());
        await page.goto(`http://127.0.0.1:${stage.target().consolePort}/approvals`);
        await page.getByLabel('One-time code').fill(await stage.code());
        await page.getByRole('button', { name: 'Open' }).click();
        await page.getByRole('heading', { name: 'Approvals' }).waitFor();
        const [cookie] = await context.cookies();
        more = {
          chromium: browser.path,
          chromiumProfile,
          debuggingPort,
          session: { cookie: `${cookie?.name}=${cookie?.value}` },
        };
      }, 60_000);
      afterAll(async () => {
        await opened?.close();
        const ended = new Promise((done) => process.once('exit', done));
        process.kill('SIGKILL');
        await ended;
      });

      it.each(BROWSER)('%s', async (id) => {
        const [outcome, attempt] = await outcomeOf(id, more);
        expect([id, outcome, attempt.evidence]).toEqual([id, ATTACKS[id][mode], attempt.evidence]);
      });
    });

    it.for(LAST)('%s', async (id, { skip }) => {
      if (id !== 'kill') return asSaid(id, skip);
      // A session that is open when the gateway dies.
      const pg = await import('pg');
      const { postgresPort, connectionId, database } = stage.target();
      const password = await freshToken(stage);
      const client = new pg.default.Client({
        host: '127.0.0.1',
        port: postgresPort,
        user: connectionId,
        password,
        database: database.database,
      });
      client.on('error', () => {});
      await client.connect();
      await client.query('SELECT 1');
      await asSaid(id, skip);
      await client.end().catch(() => {});
    });

    it('leaves the person in charge', async () => {
      expect((await stage.control.call('status', {})).pinSet).toBe(true);
      expect((await stage.control.call('newLoginCode', { pin: PIN })).code).toMatch(/^[0-9A-Z]{5}-[0-9A-Z]{5}$/);
    });
  });
});

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Attempt, agentClient, approvalBody, call, hold, person, product, stateOf, type Target } from './tools.ts';

/** Attempts on the control API: the same in both modes, since no OS user stands between. */

const ALLOW_ALL = '@id("all")\npermit (principal, action, resource);\n';
const ASKS_CLICK = "UPDATE customers SET name = name || '!' WHERE id = 1";
const ASKS_PIN = 'TRUNCATE customers';
const FORGED = `cs_session=${'A'.repeat(43)}`;

export async function routesLoopback(target: Target): Promise<Attempt> {
  const { routes } = await product<typeof import('../../gateway/contract/api.ts')>(target, 'contract/api.ts');
  const own = `127.0.0.1:${target.consolePort}`;
  const disguises: Record<string, string>[] = [
    {},
    { cookie: FORGED },
    { cookie: `${FORGED}; ${FORGED}`, authorization: 'Bearer A' },
    { host: `evil.example:${target.consolePort}`, cookie: FORGED },
    { origin: 'http://evil.example', cookie: FORGED },
    { origin: `http://${own}`, 'sec-fetch-site': 'cross-site' },
    { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': own },
  ];
  const let_in: string[] = [];
  let calls = 0;
  // What kind of console this is, it tells everybody, and nothing else.
  const { host, ...closed } = routes;
  const all = [...Object.values(closed), { method: 'GET', path: '/api/events' }];
  const told = await call(target, host.method, host.path, {});
  if (JSON.stringify(told.json) !== '{"host":"gateway"}') let_in.push(JSON.stringify(told.json));
  for (const { method, path } of all) {
    for (const headers of disguises) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : {};
      const { status } = await call(target, method, path.replaceAll(/:\w+/g, 'x'), { body, headers });
      calls += 1;
      if (status < 400) let_in.push(`${method} ${path} ${JSON.stringify(headers)}`);
    }
  }
  return { worked: let_in.length > 0, evidence: `${calls} calls, let in: ${let_in.join(', ') || 'none'}` };
}

export async function routesSocket(target: Target): Promise<Attempt> {
  const held = await hold(target, ASKS_CLICK);
  const { path, body } = approvalBody(held);
  const { json: before } = await call(target, 'GET', '/api/policy', { socket: true });
  const staged = await call(target, 'POST', '/api/policy/stage', { body: { text: ALLOW_ALL }, socket: true });
  const hash = (staged.json.staged as { hash: string }).hash;
  const connection = { id: target.connectionId, kind: 'postgres', ...target.database, mode: 'observe', masking: 'off' };
  const tries: [string, string, unknown][] = [
    ['POST', path, body],
    ['POST', path, { ...body, scope: { kind: 'minutes', minutes: 480, reach: 'shape' } }],
    ['POST', path, { ...body, pin: '' }],
    ['POST', path, { ...body, pin: null, level: 'pin', channel: 'console' }],
    ['POST', '/api/policy/accept', { hash }],
    ['PUT', `/api/connections/${target.connectionId}`, { connection }],
    ['POST', `/api/connections/${target.connectionId}/delete`, {}],
    ['POST', '/api/pin', { pin: '739164' }],
    ['POST', '/api/pin', { pin: '739164', code: 'AAAAA-AAAAA' }],
    ['POST', '/api/login-code', {}],
    ['POST', '/api/login', {}],
  ];
  const seen: string[] = [];
  let worked = false;
  for (const [method, where, what] of tries) {
    const answer = await call(target, method, where, { body: what, socket: true });
    seen.push(answer.code ?? String(answer.status));
    worked ||= answer.status < 400;
  }
  const { json: after } = await call(target, 'GET', '/api/policy', { socket: true });
  await call(target, 'POST', '/api/policy/discard', { body: {}, socket: true });
  const state = await stateOf(target, held.id);
  held.client.close();
  worked ||= state !== 'waiting' || after.hash !== before.hash;
  return { worked, evidence: `${seen.join(' ')}; the request is ${state}` };
}

export async function routesEvidence(target: Target): Promise<Attempt> {
  const before = await call(target, 'GET', '/api/sync', { socket: true });
  const folder = { kind: 'folder', path: process.cwd() };
  const file = { id: 'own', kind: 'file', format: 'ocsf', path: `${process.cwd()}/events` };
  const tries: [string, string, object][] = [
    ['POST', '/api/sync/pause', {}],
    ['PUT', '/api/sync', { setup: { target: null } }],
    ['PUT', '/api/sync', { setup: { target: folder, secrets: {} } }],
    ['PUT', '/api/sync', { setup: { retention: { rules: [], budget: { bytes: 1_048_576 } } } }],
    ['PUT', '/api/siem/own', { id: 'own', destination: file }],
    ['POST', '/api/siem/own/delete', {}],
    ['POST', `/api/sessions/${target.sessionId}/remove`, { why: 'none' }],
    ['POST', `/api/sessions/${target.sessionId}/resume`, {}],
    ['POST', '/api/holds/lift', { what: 'all', why: 'none' }],
  ];
  const seen: string[] = [];
  let worked = false;
  for (const [method, path, body] of tries) {
    for (const tried of [body, { ...body, pin: '' }, { ...body, pin: null, level: 'pin', channel: 'console' }]) {
      const answer = await call(target, method, path, { body: tried, socket: true });
      seen.push(answer.code ?? String(answer.status));
      worked ||= answer.status < 400;
    }
  }
  const after = await call(target, 'GET', '/api/sync', { socket: true });
  worked ||= JSON.stringify(after.json.state) !== JSON.stringify(before.json.state);
  return { worked, evidence: seen.join(' ') };
}

/** Where a grandchild leaves what it saw. */
async function fromFile(file: string): Promise<Attempt> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (existsSync(file)) {
      const text = readFileSync(file, 'utf8');
      if (text.endsWith('\n')) return JSON.parse(text) as Attempt;
    }
    await sleep(50);
  }
  throw new Error('the detached process left nothing');
}

export async function detached(target: Target): Promise<Attempt> {
  const file = join(process.cwd(), `detached-${process.pid}.json`);
  const again = [process.execPath, process.argv[1] as string, 'routes-socket', file];
  // The child starts a grandchild in a session of its own and ends; init takes the grandchild.
  const script = `const {spawn}=require('child_process');const c=spawn(${JSON.stringify(again[0])},${JSON.stringify(again.slice(1))},{detached:true,stdio:['pipe','ignore','ignore']});c.stdin.end(${JSON.stringify(`${JSON.stringify(target)}\n`)},()=>process.exit());`;
  const child = spawn(process.execPath, ['-e', script], { detached: true, stdio: 'ignore' });
  await new Promise((done) => child.on('exit', done));
  return fromFile(file);
}

export function systemdRun(target: Target): Attempt {
  const probe = spawnSync('systemd-run', ['--user', '--wait', '--pipe', '--quiet', 'true'], { timeout: 10_000 });
  if (probe.status !== 0) return { worked: false, evidence: '', skipped: 'no systemd user manager runs here' };
  const argv = ['--user', '--wait', '--pipe', '--quiet', process.execPath, process.argv[1] as string, 'routes-socket'];
  const run = spawnSync('systemd-run', argv, { input: `${JSON.stringify(target)}\n`, encoding: 'utf8' });
  return JSON.parse(run.stdout.trim().split('\n').at(-1) as string) as Attempt;
}

export async function guessPin(target: Target): Promise<Attempt> {
  const held = await hold(target, ASKS_CLICK);
  const { path, body } = approvalBody(held);
  const guess = (pin: string) => call(target, 'POST', path, { body: { ...body, pin }, socket: true });
  const codes: (string | null)[] = [];
  for (let i = 0; i < 7; i += 1) codes.push((await guess(`39284${i}`)).code);
  const rush = await Promise.all(Array.from({ length: 40 }, (_, i) => guess(`7715${10 + i}`)));
  codes.push(...new Set(rush.map(({ code }) => code)));
  // Even the right one waits now.
  for (const pin of target.dictionary) codes.push((await guess(pin)).code);
  const state = await stateOf(target, held.id);
  held.client.close();
  const locked = codes.includes('PIN_LOCKED');
  return { worked: state !== 'waiting' || !locked, evidence: `${codes.join(' ')}; ${state}` };
}

export async function guessCode(target: Target): Promise<Attempt> {
  const codes: (string | null)[] = [];
  let worked = false;
  for (let i = 0; i < 30; i += 1) {
    const socket = i % 2 === 0;
    const answer = await call(target, 'POST', '/api/login', { body: { code: `AAAAA-AAA${10 + i}` }, socket });
    codes.push(answer.code);
    worked ||= answer.status < 400;
  }
  return { worked: worked || !codes.includes('LOGIN_TOO_MANY'), evidence: codes.join(' ') };
}

export async function replayDecision(target: Target): Promise<Attempt> {
  const first = await hold(target, ASKS_CLICK);
  await person('approve', first);
  const ran = await first.result;
  if (ran !== 'ran') throw new Error(`the approved statement did not run: ${ran}`);
  const second = await hold(target, ASKS_CLICK, first.client);
  const old = approvalBody(first);
  const fresh = approvalBody(second);
  // With the console's session, so that nothing but its having been used up stands against the old decision.
  const again = await call(target, 'POST', old.path, { body: old.body, headers: target.session });
  const moved = await call(target, 'POST', fresh.path, { body: old.body, socket: true });
  const state = await stateOf(target, second.id);
  first.client.close();
  const codes = [again.code, moved.code].join(' ');
  const asExpected = codes === 'APPROVAL_NOT_WAITING PIN_REQUIRED' && state === 'waiting';
  return { worked: !asExpected, evidence: `${codes}; the second run is ${state}` };
}

export async function raceDecision(target: Target): Promise<Attempt> {
  const held = await hold(target, ASKS_CLICK);
  const { path, body } = approvalBody(held);
  const rush = () =>
    Array.from({ length: 50 }, (_, i) => call(target, 'POST', path, { body, socket: i % 2 === 0 }).catch(() => null));
  const [before] = await Promise.all([Promise.all(rush()), person('deny', held), Promise.all(rush())]);
  const state = await stateOf(target, held.id);
  const result = await held.result;
  held.client.close();
  return {
    worked: state !== 'denied' || result === 'ran' || before.some((answer) => (answer?.status ?? 500) < 400),
    evidence: `${state}: ${result}`,
  };
}

export async function rootSocket(target: Target): Promise<Attempt> {
  const socket = join(target.home, 'root.sock');
  const answer = await call({ ...target, socket }, 'POST', '/api/login-code', { body: {}, socket: true }).catch(
    (error: NodeJS.ErrnoException) => error.code,
  );
  const worked = typeof answer === 'object' && answer.status < 400;
  return { worked, evidence: JSON.stringify(answer) };
}

async function bySession(target: Target, sql: string): Promise<Attempt> {
  const held = await hold(target, sql);
  const { path, body } = approvalBody(held);
  const answer = await call(target, 'POST', path, { body, headers: target.session });
  const result = answer.status < 400 ? await held.result : await stateOf(target, held.id);
  held.client.close();
  if (answer.status === 401) throw new Error('the session is none');
  return { worked: result === 'ran', evidence: `${answer.status} ${answer.code}: ${result}` };
}

export const stolenSession = (target: Target) => bySession(target, ASKS_CLICK);
export const stolenSessionPin = (target: Target) => bySession(target, ASKS_PIN);

/** Browsers send a cookie to every port of a host: what a server of the agent's own is sent when the person visits it. */
export async function cookieAlone(target: Target): Promise<Attempt> {
  const cookie = target.session.cookie ?? '';
  const answer = await call(target, 'GET', '/api/approvals', { headers: { cookie } });
  return { worked: answer.status < 400, evidence: `${answer.status} ${answer.code}` };
}

export async function mintToken(target: Target): Promise<Attempt> {
  const path = `/api/connections/${target.connectionId}/token`;
  const { json } = await call(target, 'POST', path, { body: {}, socket: true });
  const client = await agentClient({ ...target, token: String(json.token) });
  const [result] = await client.query('SELECT 1');
  client.close();
  return { worked: result?.rows[0]?.[0] === '1', evidence: JSON.stringify(result) };
}

export async function readSessions(target: Target): Promise<Attempt> {
  const answer = await call(target, 'GET', `/api/sessions/${target.sessionId}/statements`, { socket: true });
  return {
    worked: answer.status === 200 && Number(answer.json.total) > 0,
    evidence: JSON.stringify(answer.json.total),
  };
}

export async function denyService(target: Target): Promise<Attempt> {
  const held = await hold(target, ASKS_CLICK);
  const { path, body } = approvalBody(held);
  const answer = await call(target, 'POST', path, { body: { ...body, decision: 'deny' }, socket: true });
  const result = await held.result;
  held.client.close();
  return { worked: answer.status === 200 && result !== 'ran', evidence: result };
}

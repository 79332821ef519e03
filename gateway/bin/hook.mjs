// What an agent runs at each of its events: `countersign hook AGENT`. It starts for every single one, so it loads
// nothing but sockets and files. It asks the gateway, and denies what can be denied where there is none.
import fs from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { isGating, render } from './hook-answers.mjs';

const MAX_EVENT = 8 * 1024 * 1024;
const MAX_ANSWER = 8 * 1024 * 1024;
const MAX_TEXT = 1024 * 1024;
const MAX_TEXTS = 4 * 1024 * 1024;
const MAX_HASHED = 256 * 1024 * 1024;
const MAX_ROUNDS = 16;
/** What is found so far is told this often. */
const PREVIEW_STEP_MS = 250;
const KEEP_MS = 5000;

/** @param args what follows `hook`. @returns {{stdout: string, stderr: string, code: number}} */
export async function runHook(args, env = process.env) {
  const options = parseArguments(args);
  let event = null;
  try {
    const text = await readEvent();
    event = parseEvent(text);
    if (event === null) return answered(options, null, denied('the event is not JSON that can be read'));
    // Cursor runs the hooks of other agents too.
    if (event.cursor_version !== undefined) options.agent = 'cursor';
    const asked = await ask(options, event, env);
    return answered(options, event, asked);
  } catch (error) {
    return answered(options, event, denied(sentenceOf(error)));
  }
}

function parseArguments(args) {
  const options = { agent: args[0] ?? '', event: null, socket: null, home: null, seconds: 60, plain: false };
  for (let i = 1; i < args.length; i += 2) {
    const value = args[i + 1] ?? '';
    if (args[i] === '--event') options.event = value;
    else if (args[i] === '--terminal') options.plain = value === 'no';
    else if (args[i] === '--socket') options.socket = value;
    else if (args[i] === '--home') options.home = value;
    else if (args[i] === '--timeout') options.seconds = Math.min(3600, Math.max(2, Number(value) || 60));
  }
  return options;
}

function answered(options, event, answer) {
  return render(options.agent, options.event, event, answer);
}

function denied(why) {
  return { permission: 'deny', message: `Countersign denied it: ${why}`, command: null, approved: false };
}

function sentenceOf(error) {
  const code = error?.code ?? '';
  if (code === 'COUNTERSIGN') return error.message;
  if (['ENOENT', 'ECONNREFUSED', 'EACCES', 'ENOTSOCK', 'EPERM'].includes(code)) {
    return 'its gateway is not running, so nothing is allowed; start it with "countersign start", then try again';
  }
  return 'its gateway did not answer as it should; look at "countersign status", then try again';
}

function failure(message) {
  return Object.assign(new Error(message), { code: 'COUNTERSIGN' });
}

async function readEvent() {
  const chunks = [];
  let size = 0;
  const take = (chunk) => {
    size += chunk.length;
    if (size > MAX_EVENT) throw failure('the event is larger than 8 MiB');
    chunks.push(chunk);
  };
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafe(64 * 1024);
      const read = fs.readSync(0, buffer, 0, buffer.length, null);
      if (read === 0) break;
      take(buffer.subarray(0, read));
    }
  } catch (error) {
    // On Windows the end of a pipe is an error; a pipe that does not block has to be waited for.
    if (error.code === 'EAGAIN') for await (const chunk of process.stdin) take(chunk);
    else if (error.code !== 'EOF') throw error;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseEvent(text) {
  try {
    const value = JSON.parse(text.replace(/^\uFEFF+/, ''));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** Until the gateway has decided: it may want to know of files in between, since it may not be able to look itself. */
async function ask(options, event, env) {
  const gating = isGating(options.agent, options.event, event);
  const ends = Date.now() + options.seconds * 1000 - 1500;
  const socketPath = options.socket ?? env.COUNTERSIGN_SOCKET ?? (await defaultSocket(options.home, env));
  const projectDir =
    env.CURSOR_PROJECT_DIR ??
    env.CLAUDE_PROJECT_DIR ??
    env.GEMINI_PROJECT_DIR ??
    env.ROOT_WORKSPACE_PATH ??
    // Windsurf runs hooks in the workspace's root.
    (options.agent === 'windsurf' ? process.cwd() : null);
  let path = `/api/hooks/${encodeURIComponent(options.agent)}`;
  let body = {
    event,
    eventName: options.event,
    timeoutMs: Math.max(500, ends - Date.now() - 2500),
    home: env.HOME ?? env.USERPROFILE ?? '',
    projectDir,
    pid: process.ppid,
    plain: options.plain,
  };
  for (let round = 0; round < MAX_ROUNDS; round++) {
    // What asks nothing must not hold the agent up.
    const answer = await post(socketPath, path, body, gating ? ends - Date.now() : Math.min(5000, ends - Date.now()));
    path = '/api/hook-files';
    if (answer.look !== undefined) {
      const { ticket, wishes, how } = answer.look;
      body = { ticket, files: [] };
      if (how === 'keep') body.kept = await keep(wishes);
      // Nobody waits for it: the decision may come first.
      else void preview(socketPath, ticket, wishes);
      continue;
    }
    if (answer.want === undefined) return answer.answer;
    body = { ticket: answer.want.ticket, files: await lookAt(answer.want.files) };
  }
  throw failure('its gateway asked for files without an end');
}

/** What looks at more than single files is loaded only where a command waits for a person, or removes something. */
async function looking() {
  const bundled = new URL('../bundle/look.js', import.meta.url);
  return fs.existsSync(bundled) ? import(bundled.href) : import('../protocols/terminal/preview/look/index.ts');
}

async function preview(socketPath, ticket, wishes) {
  const tell = (found) => post(socketPath, '/api/hook-previews', { ticket, preview: found }, 5000).catch(() => {});
  try {
    const { lookAt } = await looking();
    let told = Date.now();
    const { preview: found } = await lookAt(wishes, new AbortController().signal, (soFar) => {
      if (Date.now() - told < PREVIEW_STEP_MS) return;
      told = Date.now();
      void tell(soFar);
    });
    await tell(found);
  } catch {
    await tell({ kind: 'command', state: 'failed', parts: [], undo: null });
  }
}

async function keep(wishes) {
  try {
    const { keepFor } = await looking();
    return await keepFor(wishes, AbortSignal.timeout(KEEP_MS));
  } catch {
    return null;
  }
}

/** One request of HTTP/1.1 over the socket: node:http alone would take longer to load than all of this. */
function post(socketPath, path, body, milliseconds) {
  return new Promise((resolve, reject) => {
    const json = Buffer.from(JSON.stringify(body));
    const chunks = [];
    let size = 0;
    const socket = connect({ path: socketPath });
    const timer = setTimeout(
      () => {
        socket.destroy();
        reject(failure('nobody decided in the time that the agent gives; ask for it again'));
      },
      Math.max(1, milliseconds),
    );
    const fail = (error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    socket.on('connect', () => {
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${json.length}\r\n\r\n`,
      );
      socket.write(json);
    });
    socket.on('error', fail);
    socket.on('data', (chunk) => {
      size += chunk.length;
      if (size > MAX_ANSWER) fail(failure('its gateway gave an answer without an end'));
      else chunks.push(chunk);
    });
    socket.on('end', () => {
      clearTimeout(timer);
      try {
        resolve(parseResponse(Buffer.concat(chunks)));
      } catch (error) {
        reject(error);
      }
    });
  });
}

function parseResponse(bytes) {
  const split = bytes.indexOf('\r\n\r\n');
  const head = bytes.subarray(0, Math.max(0, split)).toString('latin1');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0);
  let body = bytes.subarray(split + 4);
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) body = unchunked(body);
  const value = JSON.parse(body.toString('utf8'));
  if (status >= 200 && status < 300) return value;
  throw failure(String(value?.error?.message ?? 'its gateway refused the event'));
}

function unchunked(bytes) {
  const parts = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf('\r\n', at);
    const length = line === -1 ? Number.NaN : Number.parseInt(bytes.subarray(at, line).toString('latin1'), 16);
    if (!(length > 0)) return Buffer.concat(parts);
    parts.push(bytes.subarray(line + 2, line + 2 + length));
    at = line + 4 + length;
  }
}

/** As cli/home.ts has it: a test holds the two together. */
export async function defaultSocket(homeOption, env) {
  const own = env.HOME ?? env.USERPROFILE ?? '';
  if (process.platform === 'linux' && homeOption === null && !env.COUNTERSIGN_HOME) {
    const socket = `/run/${env.COUNTERSIGN_NAME || 'countersign'}/control.sock`;
    if (env.COUNTERSIGN_NAME || fs.existsSync(socket)) return socket;
  }
  let home = homeOption ?? (env.COUNTERSIGN_HOME || null);
  if (home === null) {
    if (process.platform === 'darwin') home = join(own, 'Library', 'Application Support', 'Countersign');
    else if (process.platform === 'win32')
      home = join(env.LOCALAPPDATA ?? join(own, 'AppData', 'Local'), 'Countersign');
    else home = join(env.XDG_DATA_HOME ?? join(own, '.local', 'share'), 'countersign');
  }
  if (process.platform !== 'win32') return join(home, 'control.sock');
  const { createHash } = await import('node:crypto');
  const tag = createHash('sha256').update(home.toLowerCase()).digest('hex').slice(0, 32);
  return `\\\\.\\pipe\\countersign-${tag}`;
}

/** Facts of files for the gateway. Never throws: what cannot be read is told as that. */
export async function lookAt(wishes) {
  const facts = [];
  let texts = 0;
  for (const { path, want } of wishes) {
    const fact = { path, real: path, sha256: null, text: null, state: 'unreadable' };
    facts.push(fact);
    try {
      fact.real = realPath(path);
      const stat = fs.statSync(fact.real, { throwIfNoEntry: false });
      if (!stat) fact.state = 'missing';
      else if (stat.isDirectory()) fact.state = 'folder';
      else if (!stat.isFile()) fact.state = 'other';
      else {
        fact.state = 'file';
        if (want === 'place') continue;
        const readable = want === 'text' && stat.size <= MAX_TEXT && texts + stat.size <= MAX_TEXTS;
        const { sha256, text } = await readFile(fact.real, readable);
        Object.assign(fact, { sha256, text });
        texts += text?.length ?? 0;
      }
    } catch {
      fact.state = 'unreadable';
      fact.sha256 = null;
      fact.text = null;
    }
  }
  return facts;
}

/** Without links; what is not there yet is where its folder is. */
function realPath(path) {
  const missing = [];
  for (let at = path; ; ) {
    try {
      return join(fs.realpathSync(at), ...missing.reverse());
    } catch (error) {
      if (error.code !== 'ENOENT' || dirname(at) === at) throw error;
      // A link that leads nowhere yet leads there as soon as it is written through.
      const link = fs.lstatSync(at, { throwIfNoEntry: false });
      if (link?.isSymbolicLink()) {
        at = resolve(dirname(at), fs.readlinkSync(at));
        continue;
      }
      missing.push(basename(at));
      at = dirname(at);
    }
  }
}

async function readFile(path, asText) {
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  const file = fs.openSync(path, 'r');
  const kept = [];
  let size = 0;
  try {
    const buffer = Buffer.allocUnsafe(256 * 1024);
    for (;;) {
      const read = fs.readSync(file, buffer, 0, buffer.length, null);
      if (read === 0) break;
      size += read;
      if (size > MAX_HASHED) throw new Error('too large');
      hash.update(buffer.subarray(0, read));
      if (asText) kept.push(Buffer.from(buffer.subarray(0, read)));
    }
  } finally {
    fs.closeSync(file);
  }
  return { sha256: hash.digest('hex'), text: asText ? textOf(Buffer.concat(kept)) : null };
}

function textOf(bytes) {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

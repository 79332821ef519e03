import { createHash, scryptSync } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Attempt, approvalBody, call, hold, product, type Target } from './tools.ts';

/** Attempts on the files of the gateway's home and program. */

const words = (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error);
const ALLOW_ALL = '@id("all")\npermit (principal, action, resource);\n';

/** Whether a change could be made; its effect is for the test to see. */
function change(make: () => void): Attempt {
  try {
    make();
    return { worked: true, evidence: 'written' };
  } catch (error) {
    return { worked: false, evidence: words(error) };
  }
}

interface PinFile {
  n: number;
  r: number;
  p: number;
  salt: string;
  hash: string;
}

export function crackPin({ home, dictionary }: Target): Attempt {
  try {
    const { n, r, p, salt, hash } = JSON.parse(readFileSync(join(home, 'pin.json'), 'utf8')) as PinFile;
    const options = { N: n, r, p, maxmem: 256 * n * r };
    const right = dictionary.find(
      (pin) => scryptSync(pin, Buffer.from(salt, 'hex'), 32, options).toString('hex') === hash,
    );
    return { worked: right !== undefined, evidence: `${dictionary.length} tried` };
  } catch (error) {
    return { worked: false, evidence: words(error) };
  }
}

export async function replacePin(target: Target): Promise<Attempt> {
  type Guard = typeof import('../../gateway/approvals/pin-guard.ts');
  const { createPinGuard } = await product<Guard>(target, 'approvals/pin-guard.ts');
  const own = join(mkdtempSync(join(process.cwd(), 'pin-')), 'pin.json');
  await createPinGuard({ file: own, clock: { now: Date.now } }).set('918273');
  const file = join(target.home, 'pin.json');
  let before: string;
  try {
    before = readFileSync(file, 'utf8');
    copyFileSync(own, file);
  } catch (error) {
    return { worked: false, evidence: words(error) };
  }
  const held = await hold(target, 'DELETE FROM customers WHERE id = 5');
  const { path, body } = approvalBody(held);
  const answer = await call(target, 'POST', path, { body: { ...body, pin: '918273' }, socket: true });
  const result = answer.status === 200 ? await held.result : String(answer.code);
  held.client.close();
  writeFileSync(file, before);
  return { worked: result === 'ran', evidence: result };
}

export const replaceProgram = ({ program }: Target): Attempt =>
  change(() => appendFileSync(program, '\n// changed by somebody else\n'));

export const editPolicy = ({ home }: Target): Attempt =>
  change(() => writeFileSync(join(home, 'policy', 'active.cedar'), ALLOW_ALL));

export const forgePolicy = ({ home }: Target): Attempt =>
  change(() => {
    const hash = createHash('sha256').update(ALLOW_ALL).digest('hex');
    writeFileSync(join(home, 'policy', 'active.cedar'), ALLOW_ALL);
    writeFileSync(join(home, 'policy', 'active.json'), `${JSON.stringify({ hash })}\n`);
    writeFileSync(join(home, 'policy', 'history', `999999-${hash}.cedar`), ALLOW_ALL);
  });

export const editConnections = ({ home }: Target): Attempt =>
  change(() => {
    const file = join(home, 'connections.json');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll('"masking": "on"', '"masking": "off"').replaceAll('"enforce"', '"observe"'));
  });

export const editWatch = ({ home }: Target): Attempt =>
  change(() => {
    writeFileSync(join(home, 'sync.json'), '{"version":1,"store":null,"paused":true}\n');
    writeFileSync(join(home, 'siem.json'), '{"version":1,"destinations":[]}\n');
    writeFileSync(join(home, 'alerts.json'), '{"version":1,"rules":[],"disable":["denied-destructive-burst"]}\n');
  });

/** Any of it that can be read is what it wanted. */
export function readEvidence({ home }: Target): Attempt {
  const found: string[] = [];
  let refused = '';
  for (const folder of ['device', 'outbox', 'siem']) {
    try {
      for (const name of readdirSync(join(home, folder), { recursive: true, encoding: 'utf8' })) {
        const path = join(home, folder, name);
        if (statSync(path).isFile() && readFileSync(path).length > 0) found.push(`${folder}/${name}`);
      }
    } catch (error) {
      refused ||= words(error);
    }
  }
  return { worked: found.length > 0, evidence: found.join(' ') || refused };
}

export const editDeviceLog = ({ home }: Target): Attempt =>
  change(() => {
    const file = join(home, 'device', 'log', 'entries');
    const bytes = readFileSync(file);
    bytes[20] = (bytes[20] as number) ^ 1;
    writeFileSync(file, bytes);
  });

const FORGED_TOKEN_ID = '00112233aabbccdd';

export async function forgeToken(target: Target): Promise<Attempt> {
  type Secrets = typeof import('../../gateway/identity/token-secret.ts');
  const { formatToken, hashTokenSecret, newTokenSecret, tokenScramKeys } = await product<Secrets>(
    target,
    'identity/token-secret.ts',
  );
  return change(() => {
    const file = join(target.home, 'tokens.json');
    const state = JSON.parse(readFileSync(file, 'utf8')) as { salts: Record<string, string>; tokens: object[] };
    const secret = newTokenSecret((length) => Buffer.alloc(length, 7));
    const token = formatToken({ id: FORGED_TOKEN_ID, secret });
    const keys = tokenScramKeys(token, Buffer.from(state.salts[target.connectionId] as string, 'hex'));
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    state.tokens.push({
      ...state.tokens[0],
      id: FORGED_TOKEN_ID,
      purpose: 'forged',
      hash: hex(hashTokenSecret(secret)),
      storedKey: hex(keys.storedKey),
      serverKey: hex(keys.serverKey),
      created: Date.now(),
      expires: Date.now() + 600_000,
    });
    writeFileSync(file, JSON.stringify(state));
    writeFileSync(join(process.cwd(), 'forged-token'), token);
  });
}

function folderOfSession({ home, sessionId }: Target): string {
  const found = readdirSync(join(home, 'recordings', 'sessions'), { recursive: true, encoding: 'utf8' });
  const folder = found.find((path) => path.endsWith(sessionId));
  if (folder === undefined) throw new Error('the session is not there');
  return join(home, 'recordings', 'sessions', folder);
}

export const editRecording = (target: Target): Attempt =>
  change(() => {
    const folder = folderOfSession(target);
    const file = join(folder, readdirSync(folder).find((name) => name.startsWith('units-')) as string);
    const bytes = readFileSync(file);
    const at = Math.floor(statSync(file).size / 2);
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(file, bytes);
  });

export const deleteRecording = (target: Target): Attempt =>
  change(() => rmSync(folderOfSession(target), { recursive: true }));

export const editIndex = (target: Target): Attempt =>
  change(() => {
    const load = createRequire(join(target.prefix, 'gateway', 'index.ts'));
    const Database = load('better-sqlite3') as typeof import('better-sqlite3');
    const database = new Database(join(target.home, 'index.db'), { fileMustExist: true });
    const { changes } = database.prepare('UPDATE sessions SET role = ?').run('somebody-else');
    database.close();
    if (changes === 0) throw new Error('nothing was there to change');
  });

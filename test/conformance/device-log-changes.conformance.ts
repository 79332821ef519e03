import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteInput, RouteName } from '../../gateway/contract/api.ts';
import type { LogEntry } from '../../gateway/evidence/format/log-entries.ts';
import { testSigner } from '../../gateway/evidence/format/test-keys.ts';
import { COSIGNATURE, formatVkey } from '../../gateway/evidence/format/vkey.ts';
import { startService } from '../../gateway/service.ts';
import { loggedEntries } from '../support/device-log.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { eventually, setTestPin, TEST_PIN } from '../support/side-by-side.ts';

/** Whatever a person changes of a gateway is in its signed log before the person is answered. */
const dir = mkdtempSync(join(tmpdir(), 'cs-changes-'));
const home = join(dir, 'home');
const store = join(dir, 'store');
const witness = formatVkey(testSigner('witness.example/w1', 'w1', COSIGNATURE).vkey);
const pin = TEST_PIN;
const CONNECTION = { id: 'shop', kind: 'postgres', host: '127.0.0.1', port: 1, user: 'app', database: 'shop' } as const;
const SERVER = { name: 'files', transport: { type: 'stdio', command: 'files' } } as const;
const FILE = { id: 'file', kind: 'file', path: join(dir, 'events.log') } as const;

let gateway: TestService;
let issuer: string;
const provider = createServer((request, response) => {
  const at = (path: string) => `${issuer}/${path}`;
  const found = {
    issuer,
    authorization_endpoint: at('auth'),
    token_endpoint: at('token'),
    jwks_uri: at('jwks'),
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(request.url?.includes('well-known') ? found : { keys: [] }));
});

beforeAll(async () => {
  for (const folder of [home, store]) mkdirSync(folder, { mode: 0o700 });
  await new Promise<void>((done) => provider.listen(0, '127.0.0.1', done));
  const address = provider.address();
  issuer = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  gateway = await startTestService({ home, connections: [] });
});
afterAll(async () => {
  await gateway?.service.close('the test is over');
  provider.close();
  rmSync(dir, { recursive: true, force: true });
});

const logged = () => loggedEntries(home);

type Change = { [N in RouteName]: [N, RouteInput<N>, string, string] }[RouteName];
/** The call, and what it leaves: an entry's type, and words of it. */
const changes = (): Change[] => [
  ['putConnection', { id: 'shop', connection: CONNECTION, secret: 'one', pin }, 'config', 'connection shop'],
  ['putConnection', { id: 'shop', connection: CONNECTION, secret: 'two', pin }, 'config', 'shop and its password'],
  ['deleteConnection', { id: 'shop', pin }, 'config', 'connection shop, removed'],
  ['putMcpServer', { name: 'files', server: SERVER, pin }, 'config', 'MCP server files'],
  ['deleteMcpServer', { name: 'files', pin }, 'config', 'MCP server files, removed'],
  ['putProvider', { provider: { id: 'acme', issuer, clientId: 'c' }, pin }, 'config', 'identity provider acme'],
  ['deleteProvider', { id: 'acme', pin }, 'config', 'identity provider acme, removed'],
  ['putSiem', { id: 'file', destination: FILE, pin }, 'config', 'SIEM file'],
  ['deleteSiem', { id: 'file', pin }, 'config', 'SIEM file, removed'],
  ['setUpSync', { setup: { target: { kind: 'folder', path: store } }, pin }, 'config', 'sync'],
  ['setUpSync', { setup: { keeping: { prompts: 'local' } }, pin } as never, 'config', 'sync and what is kept'],
  ['pauseSync', { pin }, 'config', 'sync, paused'],
  ['resumeSync', {}, 'config', 'sync, resumed'],
  [
    'putDeviceWitness',
    { vkey: witness, url: 'https://127.0.0.1:1', ca: null, pin },
    'config',
    'witness witness.example',
  ],
  ['removeDeviceWitness', { name: 'witness.example/w1', pin }, 'config', 'removed'],
  ['rotateDeviceKey', { keyring: false, passphrase: 'a passphrase of the test', pin }, 'key', 'countersign/device/'],
  ['setHold', { what: 'all', why: 'a lawsuit' }, 'hold', 'a lawsuit'],
  ['liftHold', { what: 'all', why: 'it is over', pin }, 'hold', 'it is over'],
  ['pauseAll', { minutes: 5 }, 'halt', 'pause'],
  ['resumeAll', { pin }, 'halt', 'resumed'],
  ['panic', { minutes: 5 }, 'halt', 'panic'],
  ['resumeAll', { pin }, 'halt', 'resumed'],
  ['setPin', { pin: '135791', current: pin }, 'config', 'the PIN'],
];

describe('the device’s log', () => {
  it('names the first PIN', async () => {
    await setTestPin(gateway);
    expect((await logged()).at(-1)).toMatchObject({ type: 'config', what: 'the PIN' });
  });

  it('has an entry for each change that a person makes, with who made it', async () => {
    for (const [name, input, type, words] of changes()) {
      const before = (await logged()).length;
      await gateway.control.call(name, input as never);
      // Stopping everything waits for no disk.
      const entry = await eventually(`an entry of ${name}`, async () => {
        const added = (await logged()).slice(before);
        return added.find((one) => one.type === type) ?? (type === 'halt' ? null : undefined);
      });
      expect([name, JSON.stringify(entry)]).toEqual([name, expect.stringContaining(words)]);
      if (entry !== undefined && 'by' in entry) expect([name, entry.by]).not.toEqual([name, '']);
    }
  });

  it('has one for a policy that is taken into force', async () => {
    const text = '@id("none")\nforbid (principal, action, resource);\n';
    const { staged } = await gateway.control.call('stagePolicy', { text });
    await gateway.control.call('acceptPolicy', { hash: staged!.hash, pin: '135791' });
    const entry = await eventually(
      'the policy in the log',
      async () => (await logged()).find((one) => one.type === 'policy') ?? null,
    );
    expect(entry).toMatchObject({ hash: staged!.hash });
  });

  it('says at the next start that files were changed while the gateway was stopped', async () => {
    const config = (entries: LogEntry[]) =>
      entries.filter((one) => one.type === 'config' || one.type === 'started').at(-1);
    const before = config(await logged());
    await gateway.service.close('restarted');
    writeFileSync(join(home, 'alerts.json'), JSON.stringify({ version: 1, rules: [], disable: [] }));
    gateway = { ...gateway, ...(await restarted()) };
    const after = config(await logged());
    const hashOf = (entry: LogEntry | undefined) =>
      entry?.type === 'started' ? entry.config : entry?.type === 'config' ? entry.hash : '';
    expect(hashOf(after)).toMatch(/^[0-9a-f]{64}$/);
    expect(hashOf(after)).not.toBe(hashOf(before));
  });
});

async function restarted() {
  const devicePassphrase = async () => 'a passphrase of the test';
  return { service: await startService({ home, postgresPort: 0, controlPort: 0, devicePassphrase }) };
}

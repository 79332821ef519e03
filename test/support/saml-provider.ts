import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pemOf } from '../../gateway/identity/saml/metadata.ts';
import { serviceKey } from '../../gateway/identity/saml/service-key.ts';
import { memoryVault } from '../../gateway/identity/saml/test-provider.ts';
import { component } from '../components.ts';

/** A form that a browser is about to post, with what is in it. */
export interface PostedForm {
  action: string;
  fields: Record<string, string>;
}

export interface TestSamlProvider {
  metadataUrl: string;
  entityId: string;
  /** Who has an account from the next `register` or `signIn` on (the password is `secret`), with their attributes. */
  accounts: Map<string, Record<string, string[]>>;
  /** Registers the gateway. @param encryptFor base64 of the DER of its certificate; assertions are encrypted then. */
  register(service: { entityId: string; acs: string; encryptFor?: string; more?: Record<string, unknown> }): void;
  /** Signs with another key from here on. */
  rotateKey(): Promise<void>;
  /** Signs in as a person does in a browser. @returns the form that the browser would post to the gateway. */
  signIn(url: string, account: string): Promise<PostedForm>;
  stop(): Promise<void>;
}

const HOME = '/usr/share/simplesamlphp/www';
const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';

/** A value as PHP writes it. */
function php(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(php).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `[${Object.entries(value)
      .map(([key, one]) => `${/^\d+$/.test(key) ? key : php(key)} => ${php(one)}`)
      .join(', ')}]`;
  if (typeof value === 'string') return `'${value.replaceAll(/['\\]/g, '\\$&')}'`;
  return String(value);
}

/** A real provider (SimpleSAMLphp, as Debian has it) on a loopback port, with a folder of its own. */
export async function startSamlProvider(): Promise<TestSamlProvider> {
  const folder = mkdtempSync(join(tmpdir(), 'cs-saml-'));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const entityId = `${origin}/saml2/idp/metadata.php`;
  for (const name of ['config', 'metadata', 'cert', 'log', 'data', 'tmp', 'sessions']) mkdirSync(join(folder, name));
  const write = (name: string, variable: string, value: unknown) =>
    writeFileSync(join(folder, name), `<?php\n$${variable} = ${php(value)};\n`);
  write('config/config.php', 'config', configOf(folder, origin));
  write('metadata/saml20-idp-hosted.php', 'metadata', {
    [entityId]: {
      host: '__DEFAULT__',
      privatekey: 'server.pem',
      certificate: 'server.crt',
      auth: 'people',
      NameIDFormat: PERSISTENT,
      sharedkey_algorithm: 'http://www.w3.org/2001/04/xmlenc#aes128-cbc',
      authproc: { 3: { class: 'saml:AttributeNameID', attribute: 'uid', Format: PERSISTENT } },
    },
  });
  async function rotateKey(): Promise<void> {
    const { key, certificate } = await serviceKey(memoryVault(), 'any', Date.now());
    writeFileSync(join(folder, 'cert/server.pem'), key, { mode: 0o600 });
    writeFileSync(join(folder, 'cert/server.crt'), pemOf(certificate));
  }
  await rotateKey();
  const accounts = new Map<string, Record<string, string[]>>();
  const writeAccounts = () => {
    const people = [...accounts].map(([name, attributes]) => [`${name}:secret`, { uid: [name], ...attributes }]);
    // The kind of source is the first of the list, without a name.
    const list = php(Object.fromEntries(people)).slice(1);
    writeFileSync(
      join(folder, 'config/authsources.php'),
      `<?php\n$config = ['people' => ['exampleauth:UserPass', ${list}];\n`,
    );
  };
  writeAccounts();
  // What is configured while it runs counts at once, and not when a cache of PHP's looks again.
  const args = ['-d', 'opcache.enable=0', '-S', `127.0.0.1:${port}`, '-t', HOME];
  const server = spawn(component('simplesamlphp').path, args, {
    env: { PATH: process.env.PATH, SIMPLESAMLPHP_CONFIG_DIR: join(folder, 'config') },
    stdio: 'ignore',
  });
  await answering(`${origin}/saml2/idp/metadata.php`, server);
  return {
    metadataUrl: entityId,
    entityId,
    accounts,
    register({ entityId: service, acs, encryptFor, more = {} }) {
      writeAccounts();
      write('metadata/saml20-sp-remote.php', 'metadata', {
        [service]: {
          AssertionConsumerService: acs,
          ...(encryptFor === undefined ? {} : { 'assertion.encryption': true, certData: encryptFor }),
          ...more,
        },
      });
    },
    rotateKey,
    async signIn(url, account) {
      writeAccounts();
      return new Browser(origin).signIn(url, account);
    },
    async stop() {
      await stopped(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const configOf = (folder: string, origin: string) => ({
  baseurlpath: `${origin}/`,
  certdir: `${folder}/cert/`,
  loggingdir: `${folder}/log/`,
  datadir: `${folder}/data/`,
  tempdir: `${folder}/tmp`,
  metadatadir: `${folder}/metadata/`,
  technicalcontact_email: 'na@example.org',
  timezone: 'UTC',
  secretsalt: randomBytes(16).toString('hex'),
  'auth.adminpassword': randomBytes(16).toString('hex'),
  'enable.saml20-idp': true,
  'module.enable': { exampleauth: true, core: true, saml: true },
  'logging.handler': 'file',
  'store.type': 'sql',
  'store.sql.dsn': `sqlite:${folder}/store.sqlite`,
  // On plain http a browser sends no cookie that is "None" and not "Secure".
  'session.cookie.samesite': 'Lax',
  'session.cookie.secure': false,
  'session.phpsession.savepath': `${folder}/sessions`,
  'language.default': 'en',
  'language.available': ['en'],
  'theme.use': 'default',
  'metadata.sources': [{ type: 'flatfile', directory: `${folder}/metadata` }],
});

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

async function answering(url: string, server: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (server.exitCode !== null) throw new Error('the SAML provider ended');
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the SAML provider does not answer');
}

async function stopped(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGKILL');
  await ended;
}

const plain = (html: string): string =>
  html.replaceAll(/&(amp|lt|gt|quot|#0?39);/g, (_, name: string) =>
    name === 'amp' ? '&' : name === 'lt' ? '<' : name === 'gt' ? '>' : name === 'quot' ? '"' : "'",
  );

/** Enough of a browser for the provider's own pages: cookies, redirects, one form a page. */
class Browser {
  readonly #cookies = new Map<string, string>();
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  async signIn(url: string, account: string): Promise<PostedForm> {
    let page = await this.#open(url, null);
    for (let steps = 0; steps < 6; steps += 1) {
      const form = formOf(page);
      if (!form.action.startsWith(this.#origin)) return form;
      if ('username' in form.fields) Object.assign(form.fields, { username: account, password: 'secret' });
      page = await this.#open(form.action, form.fields);
    }
    throw new Error(`the provider does not let ${account} in`);
  }

  async #open(url: string, form: Record<string, string> | null): Promise<{ url: string; text: string }> {
    let [next, body] = [url, form];
    for (let hops = 0; hops < 20; hops += 1) {
      const answer = await fetch(next, {
        redirect: 'manual',
        headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(body === null ? {} : { method: 'POST', body: new URLSearchParams(body) }),
      });
      for (const cookie of answer.headers.getSetCookie()) {
        const [pair = ''] = cookie.split(';');
        this.#cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
      }
      const to = answer.headers.get('location');
      const text = await answer.text();
      if (to === null) return { url: next, text };
      [next, body] = [new URL(to, next).href, null];
    }
    throw new Error('too many redirects');
  }
}

function formOf({ url, text }: { url: string; text: string }): PostedForm {
  const form = /<form\b[^>]*>/.exec(text.slice(Math.max(0, text.search(/<form\b[^>]*method="post"/i))))?.[0];
  if (form === undefined) throw new Error(`no form at ${url}: ${text.replaceAll(/<[^>]*>|\s+/g, ' ').slice(0, 400)}`);
  const fields: Record<string, string> = {};
  for (const [input] of text.matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]+)"/.exec(input)?.[1];
    if (name !== undefined) fields[name] = plain(/value="([^"]*)"/.exec(input)?.[1] ?? '');
  }
  return { action: new URL(plain(/action="([^"]*)"/.exec(form)?.[1] ?? ''), url).href, fields };
}

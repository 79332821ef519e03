import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
// @ts-expect-error: the package brings no types.
import * as oidc from 'oidc-provider';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface TestOidcProvider {
  issuer: string;
  clientId: string;
  /** Who has an account, with what the ID token says of them. */
  accounts: Map<string, Record<string, unknown>>;
  /** Signs with another key from here on; tokens that it gave stay known. */
  rotateKey(): void;
  /** Answers 503, as a provider in trouble does. */
  setTrouble(on: boolean): void;
  /** Signs in as a person does in a browser. @returns the address that the browser is sent back to. */
  signIn(url: string, account: string): Promise<string>;
  /** Confirms a device's code as a person does elsewhere. */
  confirmDevice(url: string, account: string): Promise<void>;
  stop(): Promise<void>;
}

const CLIENT = 'countersign-desktop';

interface TestProviderOptions {
  /** It registers clients (RFC 7591) and gives JWTs for these resources (RFC 8707), good for so many seconds. */
  resources?: { accepted(resource: string): boolean; seconds: number };
}

/** A real provider (oidc-provider) on a loopback port. */
export async function startOidcProvider({ resources }: TestProviderOptions = {}): Promise<TestOidcProvider> {
  const accounts = new Map<string, Record<string, unknown>>();
  let trouble = false;
  let handler: Handler = () => {};
  const server: Server = createServer((request, response) => {
    if (trouble) response.writeHead(503).end('down');
    else handler(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const adapter = sharedAdapter();
  const start = () => {
    const provider = new oidc.Provider(issuer, {
      adapter,
      clients: [
        {
          client_id: CLIENT,
          token_endpoint_auth_method: 'none',
          application_type: 'native',
          redirect_uris: ['http://127.0.0.1/callback'],
          grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
          response_types: ['code'],
        },
      ],
      jwks: { keys: [newKey()] },
      cookies: { keys: ['only a test'] },
      features: {
        deviceFlow: { enabled: true },
        devInteractions: { enabled: true },
        revocation: { enabled: true },
        ...(resources === undefined ? {} : resourceFeatures(resources)),
      },
      ...(resources === undefined ? {} : { scopes: ['openid', 'offline_access', 'tools'] }),
      conformIdTokenClaims: false,
      claims: { openid: ['sub'], email: ['email'], profile: ['name', 'groups', 'realm_access', '_claim_names'] },
      findAccount: async (_context: unknown, id: string) => {
        const claims = accounts.get(id);
        return claims && { accountId: id, claims: async () => ({ sub: id, ...claims }) };
      },
      issueRefreshToken: async () => true,
      rotateRefreshToken: true,
      ttl: {
        AccessToken: resources?.seconds ?? 600,
        IdToken: 600,
        RefreshToken: 86_400,
        Interaction: 600,
        Session: 600,
        Grant: 86_400,
      },
    });
    handler = provider.callback();
  };
  start();
  return {
    issuer,
    clientId: CLIENT,
    accounts,
    rotateKey: start,
    setTrouble: (on) => {
      trouble = on;
    },
    async signIn(url, account) {
      const browser = new Browser(issuer);
      return browser.walk(await browser.open(url), account);
    },
    async confirmDevice(url, account) {
      const browser = new Browser(issuer);
      await browser.walk(await browser.open(url), account);
    },
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function resourceFeatures({ accepted }: NonNullable<TestProviderOptions['resources']>) {
  return {
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // A token without a resource is good for nothing here.
      defaultResource: async () => undefined,
      useGrantedResource: async () => true,
      getResourceServerInfo: async (_context: unknown, resource: string) => {
        if (!accepted(resource)) throw new oidc.errors.InvalidTarget();
        return {
          scope: 'tools',
          audience: resource,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        };
      },
    },
  };
}

function newKey(): Record<string, unknown> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomUUID() };
}

/** What the provider remembers, for every instance of it: a rotation of keys forgets nobody. */
function sharedAdapter() {
  const items = new Map<string, Record<string, unknown>>();
  return class {
    readonly name: string;
    constructor(name: string) {
      this.name = name;
    }
    #key(id: string) {
      return `${this.name}:${id}`;
    }
    async upsert(id: string, payload: Record<string, unknown>) {
      items.set(this.#key(id), payload);
    }
    async find(id: string) {
      return items.get(this.#key(id));
    }
    #by(name: string, value: string) {
      return [...items].find(([key, one]) => key.startsWith(`${this.name}:`) && one[name] === value)?.[1];
    }
    async findByUid(uid: string) {
      return this.#by('uid', uid);
    }
    async findByUserCode(code: string) {
      return this.#by('userCode', code);
    }
    async destroy(id: string) {
      items.delete(this.#key(id));
    }
    async consume(id: string) {
      const item = items.get(this.#key(id));
      if (item) item.consumed = Math.floor(Date.now() / 1000);
    }
    async revokeByGrantId(grantId: string) {
      for (const [key, one] of items) if (one.grantId === grantId) items.delete(key);
    }
  };
}

interface Page {
  url: string;
  text: string;
}

/** Enough of a browser for the provider's own pages: cookies, redirects, one form a page. */
class Browser {
  readonly #cookies = new Map<string, string>();
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  async open(url: string, form: Record<string, string> | null = null): Promise<Page> {
    let [next, body] = [url, form];
    for (let hops = 0; hops < 20; hops += 1) {
      if (!next.startsWith(this.#origin)) return { url: next, text: '' };
      const answer = await fetch(next, {
        redirect: 'manual',
        headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(body === null ? {} : { method: 'POST', body: new URLSearchParams(body) }),
      });
      for (const cookie of answer.headers.getSetCookie()) {
        const [pair = ''] = cookie.split(';');
        const at = pair.indexOf('=');
        this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
      }
      const to = answer.headers.get('location');
      const text = await answer.text();
      if (to === null) return { url: next, text };
      [next, body] = [new URL(to, next).href, null];
    }
    throw new Error('too many redirects');
  }

  /** Fills in each form until the browser is sent away, or there is none. */
  async walk(first: Page, account: string): Promise<string> {
    let page = first;
    for (let steps = 0; steps < 6; steps += 1) {
      const action = /<form[^>]*action="([^"]+)"/.exec(page.text)?.[1];
      if (!page.url.startsWith(this.#origin) || action === undefined) return page.url;
      const fields: Record<string, string> = {};
      for (const [input] of page.text.matchAll(/<input[^>]*>/g)) {
        const name = /name="([^"]+)"/.exec(input)?.[1];
        if (name !== undefined) fields[name] = /value="([^"]*)"/.exec(input)?.[1] ?? '';
      }
      if ('login' in fields) Object.assign(fields, { login: account, password: 'any' });
      page = await this.open(new URL(action, page.url).href, fields);
    }
    return page.url;
  }
}

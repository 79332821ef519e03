import { CountersignError, isCountersignError } from '../../../contract/errors.ts';
import { McpOAuth, type McpServer, OAUTH_CLIENT_SECRET } from '../../../contract/mcp.ts';
import type { LoginView } from '../../../contract/sign-in.ts';
import { listenForCallback } from '../../../identity/oidc/loopback.ts';
import type { Vault } from '../../../pipeline/ports.ts';
import type { UpstreamCredentials } from '../ports.ts';
import { readStored } from '../registry.ts';
import { authorization, clientOf, exchange, Grant, refresh, register, revoke } from './client.ts';
import { discover } from './discovery.ts';
import { reachFrom } from './reach.ts';

const BROWSER_MS = 5 * 60_000;
const MAX_LOGINS = 4;
/** A token that ends within this time is not sent any more. */
const EARLY_MS = 30_000;

const grantName = (server: string): string => `mcp/${server}/grant`;

export interface SignInsDeps {
  vault: Vault;
  now(): number;
  newId(): string;
  schedule(milliseconds: number, run: () => void): () => void;
}

export interface SignIns {
  /** Begins one, that a person ends in a browser. Rejects MCP_OAUTH_REFUSED, MCP_OAUTH_UNREACHABLE, MCP_NO_SIGN_IN. */
  begin(server: McpServer): Promise<LoginView>;
  /** Throws LOGIN_UNKNOWN. */
  view(server: string, id: string): LoginView;
  /** Takes the tokens back and forgets them. */
  end(server: McpServer): Promise<void>;
  isSignedIn(server: McpServer): Promise<boolean | null>;
  /** What requests to a server carry. Rejects MCP_SIGN_IN where a person has to sign in first. */
  credentials(server: McpServer): Promise<UpstreamCredentials>;
  close(): void;
}

interface Login {
  server: string;
  view: LoginView;
  stop(): void;
}

/** The tokens of one server. Several sessions share them, so that one refresh is enough. */
interface Held {
  grant: Grant | null;
  refreshing: Promise<Grant> | null;
}

/**
 * Sign-ins to MCP servers that want OAuth (MCP, authorization): tokens are in the vault, refreshed when they end, and
 * sent to the server's own address alone.
 */
export function createSignIns({ vault, now, newId, schedule }: SignInsDeps): SignIns {
  const logins = new Map<string, Login>();
  const held = new Map<string, Promise<Held>>();

  function holdOf(name: string): Promise<Held> {
    const known = held.get(name) ?? load(name);
    held.set(name, known);
    known.catch(() => held.delete(name));
    return known;
  }

  async function load(name: string): Promise<Held> {
    const stored = await vault.read(grantName(name));
    const parsed = stored === null ? null : Grant.safeParse(parsedJson(stored));
    return { grant: parsed?.success ? parsed.data : null, refreshing: null };
  }

  async function keep(name: string, hold: Held, grant: Grant | null): Promise<void> {
    hold.grant = grant;
    if (grant === null) await vault.remove(grantName(name));
    else await vault.write(grantName(name), JSON.stringify(grant));
  }

  function renewed(server: McpServer, hold: Held, grant: Grant): Promise<Grant> {
    hold.refreshing ??= (async () => {
      try {
        const next = await refresh(grant, await reachOf(server), now());
        // Somebody may have signed out, or in anew, while it was asked.
        if (hold.grant === grant) await keep(server.name, hold, next);
        return next;
      } catch (error) {
        if (!isCountersignError(error, 'MCP_OAUTH_REFUSED')) throw error;
        if (hold.grant === grant) await keep(server.name, hold, null);
        throw signInAgain(server.name);
      } finally {
        hold.refreshing = null;
      }
    })();
    return hold.refreshing;
  }

  async function tokenOf(server: McpServer, hold: Held): Promise<string> {
    const { grant } = hold;
    if (grant === null) throw signInAgain(server.name);
    if (grant.expiresAt === null || now() < grant.expiresAt - EARLY_MS) return grant.accessToken;
    if (grant.refreshToken === null) {
      if (now() < grant.expiresAt) return grant.accessToken;
      throw signInAgain(server.name);
    }
    try {
      return (await renewed(server, hold, grant)).accessToken;
    } catch (error) {
      if (isCountersignError(error, 'MCP_OAUTH_UNREACHABLE') && now() < grant.expiresAt) return grant.accessToken;
      throw error;
    }
  }

  async function begin(server: McpServer): Promise<LoginView> {
    const { url, oauth } = remoteOf(server);
    const ask = await reachOf(server);
    const found = await discover(url, oauth, ask);
    let expected: string | null = null;
    const isOurs = (state: string) => expected !== null && state === expected;
    const callback = await listenForCallback(isOurs, schedule, BROWSER_MS);
    try {
      const client =
        oauth.clientId === undefined
          ? await register(found.server, callback.redirectUri, found.scopes, ask)
          : clientOf(
              oauth.clientId,
              await clientSecret(server, oauth),
              found.server.token_endpoint_auth_methods_supported,
            );
      const asked = { server: found.server, client, resource: found.resource };
      const { url: address, checks } = await authorization(asked, found.scopes, callback.redirectUri, ask);
      expected = checks.state;
      const sentence = `${server.name} lets people sign in at ${new URL(found.server.authorization_endpoint).host}.`;
      return start(server.name, address, sentence, callback.close, async () => {
        const grant = await exchange(asked, await callback.url, checks, ask, now());
        await keep(server.name, await holdOf(server.name), grant);
      });
    } catch (error) {
      callback.close();
      throw error;
    }
  }

  async function clientSecret(server: McpServer, oauth: McpOAuth): Promise<string | null> {
    if (!oauth.clientSecret) return null;
    return (await readStored(vault, server))[OAUTH_CLIENT_SECRET] ?? null;
  }

  function start(
    server: string,
    url: string,
    sentence: string,
    stop: () => void,
    work: () => Promise<void>,
  ): LoginView {
    const id = newId();
    const expiresAt = new Date(now() + BROWSER_MS).toISOString();
    const login: Login = { server, view: { id, state: 'waiting', sentence, url, userCode: null, expiresAt }, stop };
    logins.set(id, login);
    for (const [old, { stop: end }] of logins) {
      if (logins.size <= MAX_LOGINS) break;
      end();
      logins.delete(old);
    }
    const over = (state: 'done' | 'failed', how: string) => {
      login.view = { ...login.view, state, sentence: how, url: null };
    };
    work().then(
      () => over('done', `The gateway is signed in to ${server}.`),
      (error: unknown) =>
        over('failed', isCountersignError(error) ? error.message : 'The sign-in failed; begin it again.'),
    );
    return login.view;
  }

  return {
    begin,
    view(server, id) {
      const login = logins.get(id);
      if (login === undefined || login.server !== server) {
        throw new CountersignError('LOGIN_UNKNOWN', 'There is no such sign-in; begin it again.');
      }
      return login.view;
    },
    async end(server) {
      const hold = await holdOf(server.name);
      const { grant } = hold;
      await keep(server.name, hold, null);
      if (grant === null || oauthOf(server) === null) return;
      try {
        await revoke(grant, await reachOf(server));
      } catch {
        // It is forgotten here in any case.
      }
    },
    async isSignedIn(server) {
      if (oauthOf(server) === null) return null;
      const { grant } = await holdOf(server.name);
      return grant === null && !takesSignIn(server) ? null : grant !== null;
    },
    async credentials(server) {
      const headers = await readStored(vault, server);
      delete headers[OAUTH_CLIENT_SECRET];
      if (oauthOf(server) === null) return fixedCredentials(headers);
      const hold = await holdOf(server.name);
      if (hold.grant === null && !takesSignIn(server)) return fixedCredentials(headers);
      await tokenOf(server, hold);
      return {
        async headers() {
          return { ...headers, authorization: `Bearer ${await tokenOf(server, hold)}` };
        },
        async refused(sent) {
          const { grant } = hold;
          if (grant === null) throw signInAgain(server.name);
          // Another session may have taken a new one meanwhile.
          if (sent.authorization !== `Bearer ${grant.accessToken}`) return true;
          if (grant.refreshToken === null) {
            await keep(server.name, hold, null);
            throw signInAgain(server.name);
          }
          await renewed(server, hold, grant);
          return true;
        },
        values: () => {
          const { grant } = hold;
          const tokens = grant === null ? [] : [grant.accessToken, grant.refreshToken, grant.client.secret];
          return [...Object.values(headers), ...tokens.filter((one) => one !== null)];
        },
      };
    },
    close() {
      for (const { stop } of logins.values()) stop();
      logins.clear();
    },
  };
}

/** What is the same for as long as a session lasts: nothing, or headers and variables from the vault. */
export function fixedCredentials(given: Readonly<Record<string, string>>): UpstreamCredentials {
  const values = Object.values(given);
  return { headers: () => given, refused: async () => false, values: () => values };
}

/** A server that says only by its refusal that it wants a sign-in is signed in to as well; null: it has other credentials. */
function oauthOf({ transport }: McpServer): McpOAuth | null {
  if (transport.type === 'stdio') return null;
  const { oauth, headers } = transport;
  return oauth ?? (headers.some((name) => name.toLowerCase() === 'authorization') ? null : McpOAuth.parse({}));
}

const takesSignIn = ({ transport }: McpServer): boolean => transport.type !== 'stdio' && transport.oauth !== undefined;

function remoteOf(server: McpServer): { url: URL; oauth: McpOAuth } {
  const oauth = oauthOf(server);
  if (oauth === null || server.transport.type === 'stdio') {
    throw new CountersignError(
      'MCP_NO_SIGN_IN',
      `The MCP server ${server.name} is a program, or has the header Authorization, so nobody signs in to it.`,
    );
  }
  return { url: new URL(server.transport.url), oauth };
}

/** For what leads away from the server: what a person has named is asked wherever it is. */
function reachOf(server: McpServer): Promise<typeof fetch> {
  const { url, oauth } = remoteOf(server);
  return reachFrom(url, new Set([url.origin, ...(oauth.issuer === undefined ? [] : [new URL(oauth.issuer).origin])]));
}

const signInAgain = (name: string) =>
  new CountersignError(
    'MCP_SIGN_IN',
    `The gateway is not signed in to the MCP server ${name}, or that has ended; a person signs in with: countersign mcp login ${name}`,
  );

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

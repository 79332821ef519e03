import * as oidc from 'openid-client';
import { z } from 'zod';
import { CountersignError } from '../../../contract/errors.ts';
import { ServerMetadata } from './discovery.ts';

/** The gateway as an authorization server knows it. */
export const Client = z.object({
  id: z.string().min(1).max(2048),
  secret: z.string().min(1).max(4096).nullable(),
  method: z.enum(['none', 'client_secret_basic', 'client_secret_post']),
});
export type Client = z.infer<typeof Client>;

/** What a sign-in gave. It is in the vault, and in the memory of the gateway. */
export const Grant = z.object({
  /** As it was when the person signed in: a refresh asks there and nowhere else. */
  server: ServerMetadata,
  client: Client,
  resource: z.string().max(2048),
  accessToken: z.string(),
  refreshToken: z.string().nullable(),
  /** Milliseconds since 1970; null: the server did not say. */
  expiresAt: z.number().nullable(),
});
export type Grant = z.infer<typeof Grant>;

/** What has to come back, and what was sent for it. */
export interface Checks {
  state: string;
  verifier: string;
  redirectUri: string;
}

interface Asked {
  server: ServerMetadata;
  client: Client;
  resource: string;
}

const MAX_TOKEN = 16 * 1024;

function configurationOf({ server, client }: Pick<Asked, 'server' | 'client'>, ask: typeof fetch): oidc.Configuration {
  const auth =
    client.secret === null
      ? oidc.None()
      : client.method === 'client_secret_post'
        ? oidc.ClientSecretPost(client.secret)
        : oidc.ClientSecretBasic(client.secret);
  const configuration = new oidc.Configuration(server as oidc.ServerMetadata, client.id, {}, auth);
  configuration[oidc.customFetch] = ask as oidc.CustomFetch;
  // Only endpoints on this very machine are without TLS; see ServerMetadata.
  oidc.allowInsecureRequests(configuration);
  return configuration;
}

const Registered = z.object({
  client_id: z.string().min(1).max(2048),
  client_secret: z.string().min(1).max(4096).optional(),
  token_endpoint_auth_method: z.string().optional(),
});

/** Makes the gateway known to the server (RFC 7591), for this one address to come back to. Rejects MCP_OAUTH_REFUSED. */
export async function register(
  server: ServerMetadata,
  redirectUri: string,
  scopes: readonly string[],
  ask: typeof fetch,
): Promise<Client> {
  if (server.registration_endpoint === undefined) {
    throw new CountersignError(
      'MCP_OAUTH_REFUSED',
      `${server.issuer} registers no clients by itself: register one there, with the address http://127.0.0.1/callback, and add the server again with --client-id.`,
    );
  }
  const { registration_endpoint: endpoint } = server;
  const answer = await inWords({ server }, () =>
    ask(endpoint, {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({
        client_name: 'Countersign',
        application_type: 'native',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
        ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
      }),
    }),
  );
  const parsed = Registered.safeParse(await answer.json().catch(() => null));
  if (answer.status !== 201 || !parsed.success) {
    throw new CountersignError(
      'MCP_OAUTH_REFUSED',
      `${server.issuer} does not register this gateway (HTTP ${answer.status}): register a client there and add the server again with --client-id.`,
    );
  }
  const { client_id: id, client_secret: secret = null, token_endpoint_auth_method: method } = parsed.data;
  return clientOf(id, secret, method === 'client_secret_post' ? [method] : []);
}

/** @param methods that the server takes; empty: what it takes by default. */
export function clientOf(id: string, secret: string | null, methods: readonly string[] | undefined): Client {
  const posts = methods?.includes('client_secret_post') === true && !methods.includes('client_secret_basic');
  return { id, secret, method: secret === null ? 'none' : posts ? 'client_secret_post' : 'client_secret_basic' };
}

/** The URL to open: authorization code with PKCE (RFC 7636), on loopback (RFC 8252), for one resource (RFC 8707). */
export async function authorization(
  asked: Asked,
  scopes: readonly string[],
  redirectUri: string,
  ask: typeof fetch,
): Promise<{ url: string; checks: Checks }> {
  const checks = { state: oidc.randomState(), verifier: oidc.randomPKCECodeVerifier(), redirectUri };
  const url = oidc.buildAuthorizationUrl(configurationOf(asked, ask), {
    redirect_uri: redirectUri,
    state: checks.state,
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.verifier),
    code_challenge_method: 'S256',
    resource: asked.resource,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...(scopes.includes('offline_access') ? { prompt: 'consent' } : {}),
  });
  return { url: url.href, checks };
}

/** Takes the code for tokens. Rejects MCP_OAUTH_REFUSED, MCP_OAUTH_UNREACHABLE. */
export async function exchange(
  asked: Asked,
  callback: URL,
  { state, verifier }: Checks,
  ask: typeof fetch,
  now: number,
): Promise<Grant> {
  return inWords(asked, async () => {
    // Checks state, and `iss` where the server sends it (RFC 9207), so that no other server's answer counts.
    const answer = await oidc.authorizationCodeGrant(
      configurationOf(asked, ask),
      callback,
      { expectedState: state, pkceCodeVerifier: verifier },
      { resource: asked.resource },
    );
    return grantOf(asked, answer, null, now);
  });
}

/** Rejects MCP_OAUTH_REFUSED where a person has to sign in again, MCP_OAUTH_UNREACHABLE. */
export async function refresh(grant: Grant, ask: typeof fetch, now: number): Promise<Grant> {
  const { refreshToken } = grant;
  if (refreshToken === null) throw new CountersignError('MCP_OAUTH_REFUSED', 'there is no refresh token');
  return inWords(grant, async () => {
    const answer = await oidc.refreshTokenGrant(configurationOf(grant, ask), refreshToken, {
      resource: grant.resource,
    });
    return grantOf(grant, answer, refreshToken, now);
  });
}

/** Takes the tokens back, as far as the server lets (RFC 7009). Never rejects. */
export async function revoke(grant: Grant, ask: typeof fetch): Promise<void> {
  if (grant.server.revocation_endpoint === undefined) return;
  const token = grant.refreshToken ?? grant.accessToken;
  await oidc.tokenRevocation(configurationOf(grant, ask), token).catch(() => {});
}

function grantOf(asked: Asked, answer: oidc.TokenEndpointResponse, before: string | null, now: number): Grant {
  const { access_token: accessToken, token_type: type, refresh_token: refreshToken, expires_in: seconds } = answer;
  if (type.toLowerCase() !== 'bearer' || !/^[\x21-\x7e]+$/.test(accessToken) || accessToken.length > MAX_TOKEN) {
    throw new CountersignError('MCP_OAUTH_REFUSED', `${asked.server.issuer} gave a token that is not a bearer token.`);
  }
  return {
    server: asked.server,
    client: asked.client,
    resource: asked.resource,
    accessToken,
    refreshToken: refreshToken ?? before,
    expiresAt: seconds === undefined ? null : now + seconds * 1000,
  };
}

/** The server's own trouble says nothing of the sign-in. */
const TROUBLE: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable']);

async function inWords<T>({ server }: Pick<Asked, 'server'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CountersignError) throw error;
    const cause = (error as { cause?: unknown }).cause;
    if (cause instanceof CountersignError) throw cause;
    const answered = error instanceof oidc.AuthorizationResponseError || error instanceof oidc.ResponseBodyError;
    const code = (error as { code?: unknown }).code;
    const invalid = typeof code === 'string' && /^OAUTH_(INVALID_RESPONSE|PARSE_ERROR|JSON_ATTRIBUTE|JWT_)/.test(code);
    if ((answered && !TROUBLE.has(error.error)) || invalid) {
      // Not the server's own words beyond its code: they may quote what they were given.
      const why = answered
        ? error.error.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 100)
        : 'what it answered does not verify';
      throw new CountersignError('MCP_OAUTH_REFUSED', `${server.issuer} did not let the gateway in: ${why}.`);
    }
    throw new CountersignError('MCP_OAUTH_UNREACHABLE', `${server.issuer} cannot be reached at present.`);
  }
}

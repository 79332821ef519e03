import { z } from 'zod';
import { CountersignError } from '../../../contract/errors.ts';
import type { McpOAuth } from '../../../contract/mcp.ts';
import { isLoopbackName } from './reach.ts';

const Endpoint = z
  .string()
  .max(2048)
  .refine((text) => {
    const url = URL.parse(text);
    return url !== null && (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackName(url)));
  }, 'an https URL');
const Names = z.array(z.string().max(256)).max(1000);

/** RFC 9728, section 2, as far as it is used. */
const ResourceMetadata = z.object({
  resource: z.string().max(2048),
  authorization_servers: z.array(z.string().max(2048)).max(20).default([]),
  scopes_supported: Names.optional(),
});

/** RFC 8414, section 2, and OpenID Connect Discovery 1.0, section 3, as far as they are used. */
export const ServerMetadata = z.object({
  issuer: Endpoint,
  authorization_endpoint: Endpoint,
  token_endpoint: Endpoint,
  registration_endpoint: Endpoint.optional(),
  revocation_endpoint: Endpoint.optional(),
  jwks_uri: Endpoint.optional(),
  scopes_supported: Names.optional(),
  code_challenge_methods_supported: Names.optional(),
  token_endpoint_auth_methods_supported: Names.optional(),
  id_token_signing_alg_values_supported: Names.optional(),
  authorization_response_iss_parameter_supported: z.boolean().optional(),
});
export type ServerMetadata = z.infer<typeof ServerMetadata>;

/** Where to sign in for a server, and for what. */
export interface Discovered {
  server: ServerMetadata;
  /** What tokens are asked for (RFC 8707). */
  resource: string;
  scopes: readonly string[];
}

/** What a refusal says (RFC 9110, section 11.6.1; RFC 6750, section 3; RFC 9728, section 5.1). */
export interface Challenge {
  resourceMetadata: string | null;
  scope: string | null;
  error: string | null;
}

export function challengeOf(header: string | null): Challenge {
  const bearer = header === null ? null : (/(?:^|,)\s*Bearer\s(.*)$/is.exec(header.slice(0, 8192))?.[1] ?? null);
  const parameter = (name: string) => {
    const found = new RegExp(`(?:^|[\\s,])${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]+))`, 'i').exec(
      bearer ?? '',
    );
    return found === null ? null : (found[1]?.replaceAll(/\\(.)/g, '$1') ?? found[2] ?? null);
  };
  return { resourceMetadata: parameter('resource_metadata'), scope: parameter('scope'), error: parameter('error') };
}

const refused = (sentence: string) => new CountersignError('MCP_OAUTH_REFUSED', sentence);

/**
 * Finds out where a server's tokens come from (MCP, authorization, discovery). Each document has to speak of what it
 * was asked for: the resource of this very server, the issuer that was named. Rejects MCP_OAUTH_REFUSED,
 * MCP_OAUTH_UNREACHABLE.
 */
export async function discover(url: URL, oauth: McpOAuth, ask: typeof fetch): Promise<Discovered> {
  const challenge = await probe(url, ask);
  const resource = await resourceOf(url, challenge, ask);
  const issuers = resource?.authorization_servers ?? [];
  const issuer = oauth.issuer ?? issuers[0] ?? url.origin;
  if (oauth.issuer !== undefined && issuers.length > 0 && !issuers.some((one) => sameIssuer(one, issuer))) {
    throw refused(`The server at ${url.host} does not take sign-ins of ${issuer}; it names ${issuers.join(', ')}.`);
  }
  const server = await metadataOf(issuers.find((one) => sameIssuer(one, issuer)) ?? issuer, ask);
  // Without PKCE a code that is stolen on its way back could be used (MCP, authorization, PKCE).
  if (!server.code_challenge_methods_supported?.includes('S256')) {
    throw refused(`${issuer} does not say that it checks PKCE (S256), so nobody is signed in there.`);
  }
  const asked = oauth.scopes ?? challenge.scope?.split(' ').filter(Boolean) ?? resource?.scopes_supported ?? [];
  const offline = oauth.scopes === undefined && server.scopes_supported?.includes('offline_access');
  return {
    server,
    resource: resource?.resource ?? url.href,
    scopes: [...new Set([...asked, ...(offline ? ['offline_access'] : [])])],
  };
}

/** A slash at the end is written or not. */
const sameIssuer = (a: string, b: string): boolean => a.replace(/\/$/, '') === b.replace(/\/$/, '');

/** What the server says to a caller without a token. */
async function probe(url: URL, ask: typeof fetch): Promise<Challenge> {
  const answer = await ask(url, {
    method: 'POST',
    headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
  }).catch((cause: unknown) => {
    throw unreachable(url, cause);
  });
  return challengeOf(answer.status === 401 || answer.status === 403 ? answer.headers.get('www-authenticate') : null);
}

async function resourceOf(
  url: URL,
  { resourceMetadata }: Challenge,
  ask: typeof fetch,
): Promise<z.infer<typeof ResourceMetadata> | null> {
  const path = url.pathname === '/' ? '' : url.pathname.replace(/\/$/, '');
  const usual = [...new Set([path, ''])].map((end) => `${url.origin}/.well-known/oauth-protected-resource${end}`);
  const named = resourceMetadata === null ? null : URL.parse(resourceMetadata, url.href);
  // RFC 9728, section 3.1: it is on the resource's own host; a server must not have the gateway ask another.
  if (resourceMetadata !== null && named?.origin !== url.origin) {
    throw refused(`The server at ${url.host} says that its metadata is elsewhere; it is not asked there.`);
  }
  for (const place of named === null ? usual : [named.href]) {
    const found = await documentAt(place, ResourceMetadata, ask);
    if (found === null) continue;
    if (!coversResource(found.resource, url)) {
      throw refused(`${place} speaks of ${found.resource.slice(0, 200)}, which is not the server at ${url.host}.`);
    }
    return found;
  }
  return null;
}

/** RFC 9728, section 3.3: the very address, or one above it on the same origin. */
function coversResource(resource: string, url: URL): boolean {
  const named = URL.parse(resource);
  if (named === null || named.origin !== url.origin || named.search !== '') return false;
  const above = named.pathname.replace(/\/$/, '');
  return url.pathname === above || url.pathname.startsWith(`${above}/`);
}

async function metadataOf(issuer: string, ask: typeof fetch): Promise<ServerMetadata> {
  const url = URL.parse(issuer);
  if (url === null || !Endpoint.safeParse(issuer).success)
    throw refused(`${issuer.slice(0, 200)} is not an https URL.`);
  const path = url.pathname === '/' ? '' : url.pathname.replace(/\/$/, '');
  const places = [
    `${url.origin}/.well-known/oauth-authorization-server${path}`,
    `${url.origin}/.well-known/openid-configuration${path}`,
    ...(path === '' ? [] : [`${url.origin}${path}/.well-known/openid-configuration`]),
  ];
  for (const place of places) {
    const found = await documentAt(place, ServerMetadata, ask);
    if (found === null) continue;
    // RFC 8414, section 3.3; without it one server could speak for another (mix-up).
    if (!sameIssuer(found.issuer, issuer)) {
      throw refused(`${place} says that it is of ${found.issuer}, and not of ${issuer}.`);
    }
    return found;
  }
  throw refused(`${issuer} does not say how one signs in there (no authorization server metadata).`);
}

/** null: there is none. */
async function documentAt<T>(place: string, schema: z.ZodType<T>, ask: typeof fetch): Promise<T | null> {
  const answer = await ask(place, { headers: { accept: 'application/json' } }).catch((cause: unknown) => {
    throw unreachable(new URL(place), cause);
  });
  if (answer.status >= 500) throw unreachable(new URL(place), new Error(`HTTP ${answer.status}`));
  if (answer.status !== 200) return null;
  let json: unknown;
  try {
    json = await answer.json();
  } catch {
    return null;
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw refused(`${place} is not understood (${issue?.path.join('.')}: ${issue?.message}).`);
}

function unreachable(url: URL, cause: unknown): CountersignError {
  if (cause instanceof CountersignError) return cause;
  const code = (cause as { code?: unknown } | null)?.code;
  const why = typeof code === 'string' && /^[A-Z_0-9]{2,60}$/.test(code) ? code : 'it does not answer as it should';
  return new CountersignError('MCP_OAUTH_UNREACHABLE', `${url.host} cannot be asked how one signs in: ${why}.`, {
    cause,
  });
}

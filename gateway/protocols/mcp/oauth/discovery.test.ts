import { describe, expect, it } from 'vitest';
import { challengeOf, discover } from './discovery.ts';

describe('a refusal', () => {
  it.each([
    [null, { resourceMetadata: null, scope: null, error: null }],
    ['Basic realm="x"', { resourceMetadata: null, scope: null, error: null }],
    [
      'Bearer resource_metadata="https://a.example/m", scope="one two", error=insufficient_scope',
      { resourceMetadata: 'https://a.example/m', scope: 'one two', error: 'insufficient_scope' },
    ],
    ['Basic realm="x", Bearer scope="a\\"b"', { resourceMetadata: null, scope: 'a"b', error: null }],
    ['Bearer x_scope="no"', { resourceMetadata: null, scope: null, error: null }],
  ])('%s is read', (header, challenge) => {
    expect(challengeOf(header)).toEqual(challenge);
  });
});

describe('discovery', () => {
  const SERVER = new URL('https://mcp.example/v1/mcp');
  const metadata = (issuer: string, more: object = {}) => ({
    issuer,
    authorization_endpoint: 'https://id.example/authorize',
    token_endpoint: 'https://id.example/token',
    code_challenge_methods_supported: ['S256'],
    ...more,
  });
  /** @param documents by their address; everything else is not there. */
  function given(documents: Record<string, object>) {
    const asked: string[] = [];
    const ask: typeof fetch = async (input) => {
      const url = String(input);
      asked.push(url);
      const found = documents[url];
      return found === undefined ? new Response('', { status: 404 }) : Response.json(found);
    };
    return { ask, asked };
  }

  it('looks where the specifications say, for issuers with a path too', async () => {
    const { ask, asked } = given({
      'https://mcp.example/.well-known/oauth-protected-resource': {
        resource: 'https://mcp.example/v1',
        authorization_servers: ['https://id.example/tenant'],
        scopes_supported: ['read'],
      },
      'https://id.example/tenant/.well-known/openid-configuration': metadata('https://id.example/tenant', {
        scopes_supported: ['offline_access'],
      }),
    });
    expect(await discover(SERVER, { clientSecret: false }, ask)).toMatchObject({
      resource: 'https://mcp.example/v1',
      scopes: ['read', 'offline_access'],
    });
    expect(asked.slice(1)).toEqual([
      'https://mcp.example/.well-known/oauth-protected-resource/v1/mcp',
      'https://mcp.example/.well-known/oauth-protected-resource',
      'https://id.example/.well-known/oauth-authorization-server/tenant',
      'https://id.example/.well-known/openid-configuration/tenant',
      'https://id.example/tenant/.well-known/openid-configuration',
    ]);
  });

  it('takes the server itself where it names none (2025-03-26)', async () => {
    const { ask } = given({
      'https://mcp.example/.well-known/oauth-authorization-server': metadata('https://mcp.example'),
    });
    expect(await discover(SERVER, { clientSecret: false }, ask)).toMatchObject({ resource: SERVER.href, scopes: [] });
  });

  it.each([
    ['another issuer', metadata('https://evil.example'), 'says that it is of https://evil.example'],
    ['no PKCE', metadata('https://mcp.example', { code_challenge_methods_supported: ['plain'] }), 'PKCE'],
    [
      'a token endpoint in the clear',
      metadata('https://mcp.example', { token_endpoint: 'http://id.example/' }),
      'https',
    ],
    ['a script for a page', metadata('https://mcp.example', { authorization_endpoint: 'javascript:x' }), 'https'],
  ])('refuses metadata with %s', async (_, document, why) => {
    const { ask } = given({ 'https://mcp.example/.well-known/oauth-authorization-server': document });
    await expect(discover(SERVER, { clientSecret: false }, ask)).rejects.toThrow(why);
  });
});

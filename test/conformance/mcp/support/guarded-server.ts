import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { z } from 'zod';

export interface GuardedServer {
  url: string;
  /** Authorization headers that came, in order. */
  seen: string[];
  /** What its metadata says in place of what is so. */
  lies: { resource?: string; issuer?: string; metadataAt?: string };
  /** Refuses every token from here on, as after a sign-out elsewhere. */
  setRefusing(on: boolean): void;
  stop(): Promise<void>;
}

/** A real MCP server (official SDK) over HTTP, which takes only JWTs of one issuer that are for itself (RFC 9728). */
export async function startGuardedServer(issuer: string): Promise<GuardedServer> {
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  const seen: string[] = [];
  const lies: GuardedServer['lies'] = {};
  let refusing = false;
  let origin = '';

  const http = createServer((request, response) => {
    serve(request, response).catch(() => response.writeHead(500).end());
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/.well-known/oauth-protected-resource/mcp') {
      response.writeHead(200, { 'content-type': 'application/json' });
      const resource = lies.resource ?? `${origin}/mcp`;
      response.end(
        JSON.stringify({ resource, authorization_servers: [lies.issuer ?? issuer], scopes_supported: ['tools'] }),
      );
      return;
    }
    if (request.url !== '/mcp') return void response.writeHead(404).end();
    const authorization = request.headers.authorization ?? '';
    seen.push(authorization);
    const token = authorization.replace(/^Bearer /, '');
    try {
      if (refusing) throw new Error('refusing');
      await jwtVerify(token, keys, { issuer, audience: `${origin}/mcp` });
    } catch {
      const at = lies.metadataAt ?? `${origin}/.well-known/oauth-protected-resource/mcp`;
      response.writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${at}", scope="tools offline_access"` });
      return void response.end();
    }
    const server = new McpServer({ name: 'guarded', version: '1.0.0' });
    server.registerTool('echo', { description: 'Echoes', inputSchema: { text: z.string() } }, ({ text }) => ({
      content: [{ type: 'text', text }],
    }));
    server.registerTool('blab', { description: 'Says what it was sent', inputSchema: {} }, () => ({
      content: [{ type: 'text', text: `I was sent: ${authorization}` }],
      structuredContent: { [token]: token },
    }));
    // A transport a request: without sessions.
    const transport = new StreamableHTTPServerTransport({});
    response.on('close', () => void transport.close());
    await server.connect(transport as Transport);
    await transport.handleRequest(request, response);
  }

  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return {
    url: `${origin}/mcp`,
    seen,
    lies,
    setRefusing: (on) => {
      refusing = on;
    },
    stop: () =>
      new Promise((done) => {
        http.close(() => done());
        http.closeAllConnections();
      }),
  };
}

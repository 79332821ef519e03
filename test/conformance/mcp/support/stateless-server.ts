import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

/** A server of the stateless revision and of those before it, on the official SDK: on stdio, or with a port over HTTP. */
function make(): McpServer {
  const server = new McpServer({ name: 'stateless', version: '1.0.0' });
  server.registerTool(
    'add',
    {
      description: 'Adds',
      inputSchema: z.object({ a: z.number(), b: z.number() }),
      annotations: { readOnlyHint: true },
    },
    ({ a, b }) => ({ content: [{ type: 'text', text: String(a + b) }] }),
  );
  server.registerTool('whoami', { description: 'Says which header came', inputSchema: z.object({}) }, (_, context) => {
    const key = context.http?.req?.headers.get('x-api-key') ?? null;
    return { content: [{ type: 'text', text: key === null ? 'key none' : `key of ${key.length}, ${key}` }] };
  });
  server.registerTool(
    'route',
    {
      description: 'Says which region it was sent to',
      inputSchema: z.object({
        region: z.string().meta({ 'x-mcp-header': 'Region' }),
        at: z.object({ shard: z.int().meta({ 'x-mcp-header': 'Shard' }) }).optional(),
      }),
    },
    (_, context) => {
      const { headers } = context.http?.req ?? {};
      const sent = ['mcp-param-region', 'mcp-param-shard'].map((name) => headers?.get(name) ?? 'none');
      return { content: [{ type: 'text', text: sent.join(' ') }] };
    },
  );
  return server;
}

const port = process.argv[2];
if (port === undefined) serveStdio(make);
else {
  const handler = createMcpHandler(make);
  createServer(getRequestListener((request) => handler.fetch(request))).listen(Number(port), '127.0.0.1', () =>
    console.log('listening'),
  );
}

import { z } from 'zod';
import { McpSecrets, McpServer, McpServerName, McpServerView, McpTestResult, McpToolView } from '../mcp.ts';
import { LoginView } from '../sign-in.ts';
import { Id, Nothing, Pin, route } from './route.ts';

export const mcpRoutes = {
  mcpServers: route('GET', '/api/mcp-servers', 'session', Nothing, z.object({ items: z.array(McpServerView) })),
  /** Adds or replaces: the gateway will run its program or send it its secrets, so it takes the PIN. */
  putMcpServer: route(
    'PUT',
    '/api/mcp-servers/:name',
    'session',
    z.object({ name: McpServerName, server: McpServer, secrets: McpSecrets.optional(), pin: Pin }),
    McpServerView,
  ),
  deleteMcpServer: route(
    'POST',
    '/api/mcp-servers/:name/delete',
    'session',
    z.object({ name: McpServerName, pin: Pin }),
    Nothing,
  ),
  /** What its tools are described as, pinned and now. */
  mcpTools: route(
    'GET',
    '/api/mcp-servers/:name/tools',
    'session',
    z.object({ name: McpServerName }),
    z.object({ items: z.array(McpToolView) }),
  ),
  testMcpServer: route(
    'POST',
    '/api/mcp-servers/:name/test',
    'session',
    z.object({ name: McpServerName }),
    McpTestResult,
  ),
  /** Takes the tools as they are described now; without `tool` all of the server's. */
  acceptMcpTools: route(
    'POST',
    '/api/mcp-servers/:name/accept',
    'session',
    z.object({ name: McpServerName, tool: z.string().max(512).optional(), pin: Pin }),
    z.object({ accepted: z.array(z.string()) }),
  ),
  /** Begins a sign-in to the server (OAuth), which a person ends in a browser. */
  signInMcpServer: route(
    'POST',
    '/api/mcp-servers/:name/sign-in',
    'session',
    z.object({ name: McpServerName, pin: Pin }),
    LoginView,
  ),
  mcpSignInState: route(
    'GET',
    '/api/mcp-servers/:name/sign-in/:id',
    'session',
    z.object({ name: McpServerName, id: Id }),
    LoginView,
  ),
  /** Takes the tokens back, as far as the server's provider lets, and forgets them. */
  signOutMcpServer: route(
    'POST',
    '/api/mcp-servers/:name/sign-out',
    'session',
    z.object({ name: McpServerName }),
    Nothing,
  ),
  mintMcpToken: route(
    'POST',
    '/api/mcp-servers/:name/token',
    'session',
    /** `conversationId`: of the agent, which its sessions are tied to; a claim. */
    z.object({
      name: McpServerName,
      purpose: z.string().max(200).default(''),
      conversationId: z.string().max(256).nullable().default(null),
    }),
    /** `token` is shown once. */
    z.object({ token: z.string(), agentSessionId: z.string(), expiresAt: z.string(), url: z.string() }),
  ),
} as const;

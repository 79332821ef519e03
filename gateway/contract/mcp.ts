import { z } from 'zod';
import { DetectorConfig } from './connection.ts';

/** Commands of `countersign mcp`, so no server has such a name. gateway/bin/countersign.mjs has the same. */
export const MCP_COMMANDS: readonly string[] = [
  'add',
  'list',
  'remove',
  'test',
  'accept',
  'login',
  'logout',
  'token',
  'link',
  'help',
];

/** The name under which agents reach a server: `countersign mcp NAME`, `/mcp/NAME`. */
export const McpServerName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes')
  .refine((name) => !MCP_COMMANDS.includes(name), { message: 'this is the name of a command' });

const Variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'the name of an environment variable');
/** RFC 9110 token, without those that the gateway sets itself. */
const Header = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, 'the name of a header')
  .refine((name) => !/^(host|connection|content-(length|type)|transfer-encoding|accept|mcp-.*)$/i.test(name), {
    message: 'this header is set by the gateway itself',
  });
const Url = z
  .string()
  .max(2048)
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'an http or https URL')
  .refine((text) => !URL.canParse(text) || (new URL(text).username === '' && new URL(text).password === ''), {
    message: 'a URL without user and password; put them into a header, whose value goes to the vault',
  });

/** How the gateway signs in to a server (MCP, authorization). What the server does not say itself is here. */
export const McpOAuth = z.strictObject({
  /** Of a client that is registered already; absent: the gateway registers itself (RFC 7591). */
  clientId: z.string().min(1).max(2048).optional(),
  /** That client has a secret; it is in the vault. */
  clientSecret: z.boolean().default(false),
  /** Absent: the scopes that the server asks for. */
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/, 'a scope'))
    .max(64)
    .optional(),
  /** The only authorization server that counts; absent: the first that the server names. */
  issuer: Url.optional(),
});
export type McpOAuth = z.infer<typeof McpOAuth>;

/** The client's secret among a server's secrets. No header has this name. */
export const OAUTH_CLIENT_SECRET = 'oauth client secret';

const Remote = z.object({ url: Url, headers: z.array(Header).max(32).default([]), oauth: McpOAuth.optional() });
const oneCredential = ({ oauth, headers }: z.infer<typeof Remote>) =>
  oauth === undefined || !headers.some((name) => name.toLowerCase() === 'authorization');
const ONE_CREDENTIAL = 'a server is signed in to, or has the header Authorization, not both';

/** Where the server is. The values of `env` and `headers` are secrets: they are in the vault, only their names here. */
export const McpTransport = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('stdio'),
    command: z.string().min(1).max(4096),
    args: z.array(z.string().max(32_768)).max(256).default([]),
    /** Working directory; absent: the gateway's home. */
    cwd: z.string().max(4096).optional(),
    env: z.array(Variable).max(64).default([]),
  }),
  Remote.extend({ type: z.literal('http') }).refine(oneCredential, ONE_CREDENTIAL),
  /** The transport of 2024-11-05, for servers that have no other. */
  Remote.extend({ type: z.literal('sse') }).refine(oneCredential, ONE_CREDENTIAL),
]);
export type McpTransport = z.infer<typeof McpTransport>;

const ToolName = z.string().min(1).max(512);

/** A registered MCP server. */
export const McpServer = z.object({
  name: McpServerName,
  transport: McpTransport,
  /** `allow` null: every tool that `deny` does not name. A name may end with `*`. Others are hidden and refused. */
  tools: z
    .object({
      allow: z.array(ToolName).max(1000).nullable().default(null),
      deny: z.array(ToolName).max(1000).default([]),
    })
    .prefault({}),
  /** Whose calls these are, for policies; null: what the client says of itself. */
  agent: z.string().max(64).nullable().default(null),
  mode: z.enum(['enforce', 'observe']).default('enforce'),
  masking: z.enum(['on', 'off']).default('on'),
  detectors: DetectorConfig.prefault({}),
  /** What the server may ask of the client: refused, or decided by policy like a call of a tool of that name. */
  sampling: z.enum(['refuse', 'policy']).default('refuse'),
  elicitation: z.enum(['refuse', 'policy']).default('refuse'),
  description: z.string().max(1000).default(''),
});
export type McpServer = z.infer<typeof McpServer>;
export type McpServerInput = z.input<typeof McpServer>;

/** What goes to the vault: values by the names that the transport lists. */
export const McpSecrets = z.record(z.string().max(128), z.string().max(16_384));
export type McpSecrets = z.infer<typeof McpSecrets>;

export const McpServerView = McpServer.extend({
  hasSecrets: z.boolean(),
  /** Whether the gateway has been signed in; null: the server takes no sign-in. */
  signedIn: z.boolean().nullable(),
  openSessions: z.number().int(),
  /** Tools whose description is pinned, and those that are described otherwise now. */
  pinned: z.number().int(),
  changed: z.array(z.string()),
});
export type McpServerView = z.infer<typeof McpServerView>;

/** A tool as it was accepted; `diff` where it is described otherwise now. Text of the server: hostile. */
export const McpToolView = z.object({
  name: z.string(),
  description: z.string(),
  diff: z.string().nullable(),
});
export type McpToolView = z.infer<typeof McpToolView>;

export const McpTestResult = z.object({
  ok: z.boolean(),
  sentence: z.string(),
  tools: z.array(z.object({ name: z.string(), title: z.string(), state: z.enum(['listed', 'hidden', 'changed']) })),
});
export type McpTestResult = z.infer<typeof McpTestResult>;

/** Where the shim changes its connection with the control socket from HTTP to lines of MCP. gateway/bin/mcp-shim.mjs has the same. */
export const MCP_PATH = '/api/mcp';
export const MCP_UPGRADE = 'countersign-mcp/1';

/** The shim's first line: for which server it is there, and what it says of itself. */
export const McpHello = z.object({
  server: z.string().max(64),
  agent: z.string().max(64).nullable().default(null),
  conversationId: z.string().max(256).nullable().default(null),
  pid: z.number().int().positive().nullable().default(null),
});
export type McpHello = z.infer<typeof McpHello>;

import { CountersignError } from '../../contract/errors.ts';
import {
  type McpSecrets,
  McpServer,
  type McpServerInput,
  McpServerName,
  OAUTH_CLIENT_SECRET,
} from '../../contract/mcp.ts';

type Entry = Record<string, unknown>;

export interface McpConfigSurroundings {
  /** The shim as Cursor shall start it: an absolute path, and arguments before and after `mcp NAME`. */
  shim: { command: string; args: readonly string[]; after?: readonly string[] };
  /** For `${env:X}`, `${userHome}` and `${workspaceFolder}`; null: a configuration of no workspace. */
  env: Readonly<Record<string, string | undefined>>;
  userHome: string;
  workspaceFolder: string | null;
  /** Names that are registered already, for other servers. */
  taken: ReadonlySet<string>;
  agent: string;
}

/** One server that goes through the shim now. */
export interface McpConfigChange {
  /** Its name in the configuration. */
  entry: string;
  /** To be registered, with the values that go to the vault. */
  server: McpServerInput & { name: string };
  secrets: McpSecrets;
  /** What stood there, for the way back. It may hold secrets: keep it where the agent cannot read it. */
  original: Entry;
}

export interface WrappedMcpConfig {
  text: string;
  changes: McpConfigChange[];
  /** Servers that were left as they were, and why. */
  skipped: { entry: string; why: string }[];
}

const OURS = ['type', 'command', 'args', 'env', 'envFile', 'url', 'headers', 'auth', 'transport'];

/**
 * A Cursor mcp.json in which each server is reached through the shim. Nothing is written or registered here.
 * Throws MCP_CONFIG when the text is none.
 */
export function wrapMcpConfig(text: string, around: McpConfigSurroundings): WrappedMcpConfig {
  const config = parse(text);
  const servers = serversOf(config);
  const taken = new Set(around.taken);
  const changes: McpConfigChange[] = [];
  const skipped: WrappedMcpConfig['skipped'] = [];
  const next: Record<string, unknown> = {};
  for (const [entry, value] of Object.entries(servers)) {
    next[entry] = value;
    if (!isEntry(value)) skipped.push({ entry, why: 'it is not an object' });
    else if (shimName(value) !== null) skipped.push({ entry, why: 'it goes through Countersign already' });
    else {
      const read = readEntry(entry, value, around, taken);
      if ('why' in read) skipped.push({ entry, why: read.why });
      else {
        taken.add(read.server.name);
        changes.push({ entry, ...read, original: value });
        next[entry] = shimEntry(value, read.server.name, around);
      }
    }
  }
  if (changes.length === 0) return { text, changes, skipped };
  return { text: format({ ...config, mcpServers: next }, text), changes, skipped };
}

/** Puts back what wrapMcpConfig() took away; entries that somebody has changed since stay as they are. */
export function unwrapMcpConfig(
  text: string,
  changes: readonly { entry: string; server: { name: string }; original: Entry }[],
): { text: string; restored: string[]; left: string[] } {
  const config = parse(text);
  const servers = { ...serversOf(config) };
  const restored: string[] = [];
  const left: string[] = [];
  for (const { entry, server, original } of changes) {
    const now = servers[entry];
    if (isEntry(now) && shimName(now) === server.name) {
      servers[entry] = original;
      restored.push(entry);
    } else left.push(entry);
  }
  if (restored.length === 0) return { text, restored, left };
  return { text: format({ ...config, mcpServers: servers }, text), restored, left };
}

/** One click installs the entry (Cursor documentation, MCP install links). It holds no secret. */
export function cursorDeepLink(name: string, shim: { command: string; args: readonly string[] }): string {
  const config = { type: 'stdio', command: shim.command, args: [...shim.args, 'mcp', name] };
  const base64 = Buffer.from(JSON.stringify(config), 'utf8').toString('base64');
  return `cursor://anysphere.cursor-deeplink/mcp/install?name=${encodeURIComponent(name)}&config=${encodeURIComponent(base64)}`;
}

/** The server whose shim an entry looks like, so that it is not wrapped twice; it may be any program of that name. */
function shimName({ command, args }: Entry): string | null {
  if (typeof command !== 'string' || !Array.isArray(args)) return null;
  const at = args.indexOf('mcp');
  const countersign = [command, ...args.slice(0, Math.max(0, at))].some(
    (word) => typeof word === 'string' && /(^|[\\/])countersign(\.(mjs|cmd|exe))?$/.test(word),
  );
  const name: unknown = at === -1 ? undefined : args[at + 1];
  return countersign && typeof name === 'string' ? name : null;
}

function shimEntry(value: Entry, name: string, { shim, agent }: McpConfigSurroundings): Entry {
  const kept = Object.fromEntries(Object.entries(value).filter(([key]) => !OURS.includes(key)));
  return {
    type: 'stdio',
    command: shim.command,
    args: [...shim.args, 'mcp', name, '--agent', agent, ...(shim.after ?? [])],
    ...kept,
  };
}

function readEntry(
  entry: string,
  value: Entry,
  around: McpConfigSurroundings,
  taken: ReadonlySet<string>,
): Pick<McpConfigChange, 'server' | 'secrets'> | { why: string } {
  if (value.envFile !== undefined) return { why: 'it takes variables from a file (envFile); register it by hand' };
  try {
    const filled = fill({ ...value }, around) as Entry;
    const named = filled.url === undefined ? filled.env : filled.headers;
    const secrets = isEntry(named) ? ({ ...named } as McpSecrets) : {};
    const names = Object.keys(secrets);
    const oauth = filled.auth === undefined ? null : oauthOf(filled.auth, secrets);
    const transport =
      filled.url === undefined
        ? { type: 'stdio', command: filled.command, args: filled.args ?? [], env: names }
        : {
            type: filled.type === 'sse' || /\/sse\/?$/.test(String(filled.url)) ? 'sse' : 'http',
            url: filled.url,
            headers: names,
            ...(oauth === null ? {} : { oauth }),
          };
    const parsed = McpServer.safeParse({ name: freeName(entry, taken), transport, agent: around.agent });
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      return { why: `it is not an entry that is understood (${issue?.path.join('.')}: ${issue?.message})` };
    }
    if (Object.values(secrets).some((one) => typeof one !== 'string')) return { why: 'a value of it is not a text' };
    return { server: parsed.data, secrets };
  } catch (error) {
    return { why: (error as Error).message };
  }
}

/** Cursor's own names (documentation, MCP, static OAuth). The client's secret is added to `secrets`. */
function oauthOf(auth: unknown, secrets: McpSecrets): Record<string, unknown> {
  const { CLIENT_ID: clientId, CLIENT_SECRET: secret, scopes, ...rest } = isEntry(auth) ? auth : { auth };
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new Error(`its "auth" has ${unknown}, which is not known here`);
  if (secret !== undefined) secrets[OAUTH_CLIENT_SECRET] = secret as string;
  return {
    ...(clientId === undefined ? {} : { clientId }),
    clientSecret: secret !== undefined,
    ...(scopes === undefined ? {} : { scopes }),
  };
}

/** Cursor's interpolation (documentation, MCP, config interpolation). Throws what is not known. */
function fill(value: unknown, around: McpConfigSurroundings): unknown {
  if (Array.isArray(value)) return value.map((item) => fill(item, around));
  if (isEntry(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, around)]));
  if (typeof value !== 'string') return value;
  return value.replaceAll(/\$\{([^}]*)\}/g, (_, what: string) => {
    const { workspaceFolder, userHome, env } = around;
    const known: Record<string, string | null | undefined> = {
      userHome,
      workspaceFolder,
      workspaceFolderBasename: workspaceFolder?.split(/[\\/]/).filter(Boolean).at(-1) ?? null,
      pathSeparator: userHome.includes('\\') ? '\\' : '/',
      '/': userHome.includes('\\') ? '\\' : '/',
    };
    const found = what.startsWith('env:') ? env[what.slice(4)] : Object.hasOwn(known, what) ? known[what] : undefined;
    if (found === undefined || found === null) throw new Error(`\${${what}} of it has no value here`);
    return found;
  });
}

function freeName(entry: string, taken: ReadonlySet<string>): string {
  const plain = entry
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 50);
  const base = McpServerName.safeParse(plain).success ? plain : `server-${plain}`.replace(/-$/, '');
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? base : `${base}-${n}`;
    if (!taken.has(name)) return name;
  }
}

function parse(text: string): Entry {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new CountersignError('MCP_CONFIG', 'mcp.json is not JSON that can be read; nothing was changed.', { cause });
  }
  if (!isEntry(json))
    throw new CountersignError('MCP_CONFIG', 'mcp.json does not hold an object; nothing was changed.');
  return json;
}

function serversOf(config: Entry): Record<string, unknown> {
  const { mcpServers = {} } = config;
  if (isEntry(mcpServers)) return mcpServers;
  throw new CountersignError('MCP_CONFIG', 'mcpServers of mcp.json is not an object; nothing was changed.');
}

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** With the indentation that was there. */
function format(config: Entry, before: string): string {
  const indent = /\n([ \t]+)"/.exec(before)?.[1] ?? '  ';
  return `${JSON.stringify(config, null, indent)}${before.endsWith('\n') ? '\n' : ''}`;
}

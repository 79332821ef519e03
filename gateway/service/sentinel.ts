import { lookup } from 'node:dns/promises';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { lookForRisks } from '../agents/cursor/doctor/risks.ts';
import type { SentinelFinding } from '../contract/sentinel.ts';
import type { ControlHandlers } from '../control/handlers.ts';
import type { NewLogEntry } from '../evidence/format/log-entries.ts';
import type { Connections } from '../pipeline/ports.ts';
import { createSentinel, type Target } from '../sentinel/sentinel.ts';
import type { SessionRegistry } from '../sessions/live-sessions.ts';
import { timers } from './timers.ts';

type Risk = { kind: 'credential' | 'mcp-server'; sentence: string };

const PROGRAM = fileURLToPath(new URL('../bin/countersign.mjs', import.meta.url));
const MAX_PROJECTS = 16;
const MAX_TEXT = 2000;

/** The watch for ways around the gateway; what it finds goes into the device's log as a gap. */
export function serviceSentinel(deps: {
  connections: Connections;
  /** Addresses of MCP servers that are reached over HTTP. */
  mcpUrls(): readonly { name: string; url: string }[];
  isMcpServer(name: string): boolean;
  registry: SessionRegistry;
  isProtected: boolean;
  home: string;
  usualHome: boolean;
  append(entry: NewLogEntry): void;
  warn(sentence: string): void;
}): { handlers: Pick<ControlHandlers, 'sentinel'>; close(): void } {
  const { connections, registry, isProtected } = deps;
  const own = {
    node: process.execPath,
    program: PROGRAM,
    home: isProtected ? null : deps.home,
    usualHome: deps.usualHome,
    isRegistered: deps.isMcpServer,
  };

  function targets(): Target[] {
    const databases = connections.list().map(({ id, host, port }) => ({ name: id, host, port }));
    const servers = deps.mcpUrls().flatMap(({ name, url }) => {
      const at = URL.canParse(url) ? new URL(url) : null;
      if (at === null) return [];
      const port = Number(at.port) || (at.protocol === 'https:' ? 443 : 80);
      return [{ name: `MCP server ${name}`, host: at.hostname.replace(/^\[|\]$/g, ''), port }];
    });
    return [...databases, ...servers].filter(({ host }) => host !== '' && !host.startsWith('/'));
  }

  function risks(): Risk[] {
    if (isProtected) return [];
    const folders = registry.list().filter(({ protocol }) => protocol === 'agent');
    const projects = [...new Set(folders.map(({ database }) => database))].filter((path) => path.startsWith('/'));
    const home = homedir();
    return [home, ...projects.slice(0, MAX_PROJECTS)].flatMap((project): Risk[] =>
      lookForRisks({ home, project, platform: process.platform }, own).flatMap(({ sentence }): Risk[] => {
        if (/credentials from/.test(sentence)) return [{ kind: 'credential', sentence }];
        return /does not go through/.test(sentence) ? [{ kind: 'mcp-server', sentence }] : [];
      }),
    );
  }

  const agentProcesses = () =>
    new Set(
      registry
        .list()
        .filter(({ protocol }) => protocol === 'agent' || protocol === 'terminal' || protocol === 'mcp')
        .flatMap(({ agent }) => (agent.pid === null ? [] : [agent.pid])),
    );

  const sentinel = createSentinel({
    targets,
    resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
    agents: agentProcesses,
    risks,
    ownUid: isProtected ? (process.getuid?.() ?? null) : null,
    ownPid: process.pid,
    platform: process.platform,
    every: timers.every,
    now: () => Date.now(),
    found(finding: SentinelFinding) {
      const { sentence, firstAt, lastAt, kind } = finding;
      // What an agent could do is told; what was done is a gap in what the recordings show.
      if (kind !== 'connection') return;
      deps.warn(sentence);
      deps.append({
        type: 'gap',
        kind: 'way-around',
        from: lastAt || firstAt,
        until: '',
        detail: sentence.slice(0, MAX_TEXT),
      });
    },
    onProblem: deps.warn,
  });
  // At the first look there is something to see.
  sentinel.lookForRisks();
  return { handlers: { sentinel: () => sentinel.view() }, close: sentinel.close };
}

import { readFile } from 'node:fs/promises';
import type { SentinelFinding, SentinelView } from '../contract/sentinel.ts';
import { Findings } from './findings.ts';
import { endpointKeys, type NetRow, rowsTo } from './net-table.ts';
import { Processes } from './processes.ts';

/** Something that only the gateway should speak to. */
export interface Target {
  name: string;
  host: string;
  port: number;
}

export interface SentinelDeps {
  targets(): readonly Target[];
  /** As the gateway's own connections resolve a name. */
  resolve(host: string): Promise<readonly string[]>;
  /** Processes of agents that the gateway was told of: hooks, terminals, MCP clients. */
  agents(): ReadonlySet<number>;
  /** Sentences of what an agent could do: credentials within its reach, MCP servers beside the gateway. */
  risks(): readonly { kind: 'credential' | 'mcp-server'; sentence: string }[];
  /** null: the gateway's own user runs the agents, so it can see their sockets. */
  ownUid: number | null;
  platform: NodeJS.Platform;
  every(milliseconds: number, run: () => void): () => void;
  now(): number;
  /** A finding that is new. */
  found(finding: SentinelFinding): void;
  onProblem(sentence: string): void;
  /** The gateway's own process: what it and its children speak to is its own doing. */
  ownPid: number;
}

export interface Sentinel {
  view(): SentinelView;
  /** Looks now. Never rejects. */
  scan(): Promise<void>;
  lookForRisks(): void;
  close(): void;
}

const SCAN_MS = 5_000;
const RISKS_MS = 10 * 60_000;
const RESOLVE_MS = 60_000;
const MAX_TARGETS = 600;
const MAX_NEW = 50;

/** Looks for ways around the gateway, again and again; it sees, records and tells, and cuts nothing. */
export function createSentinel(deps: SentinelDeps): Sentinel {
  const findings = new Findings(deps.now);
  const resolved = new Map<string, { until: number; addresses: readonly string[] }>();
  let scans = 0;
  let milliseconds = 0;
  let running = false;

  function see(seen: Parameters<Findings['see']>[0]): void {
    const isNew = findings.see(seen);
    if (isNew !== null) deps.found(isNew);
  }

  async function addressesOf(host: string): Promise<readonly string[]> {
    const known = resolved.get(host);
    if (known !== undefined && known.until > deps.now()) return known.addresses;
    if (resolved.size > MAX_TARGETS) resolved.clear();
    // A name that is not resolved is not reached by it either; old addresses count on.
    const addresses = await deps.resolve(host).catch(() => known?.addresses ?? []);
    resolved.set(host, { until: deps.now() + RESOLVE_MS, addresses });
    return addresses;
  }

  async function endpoints(): Promise<Map<string, Target>> {
    const out = new Map<string, Target>();
    for (const target of deps.targets().slice(0, MAX_TARGETS))
      for (const address of await addressesOf(target.host))
        for (const key of endpointKeys(address, target.port)) if (!out.has(key)) out.set(key, target);
    return out;
  }

  async function look(): Promise<void> {
    const watched = await endpoints();
    if (watched.size === 0) return;
    const began = performance.now();
    const keys = new Set(watched.keys());
    const tables = await Promise.all(
      ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'latin1').catch(() => '')),
    );
    const rows = tables.flatMap((table) => rowsTo(table, keys));
    if (rows.length > 0) judge(rows, watched);
    milliseconds = Math.round((performance.now() - began) * 10) / 10;
  }

  function judge(rows: readonly NetRow[], watched: ReadonlyMap<string, Target>): void {
    const processes = new Processes();
    const owners = processes.owners(new Set(rows.map(({ inode }) => inode)));
    const agents = deps.agents();
    for (const { remote, uid, inode } of rows.slice(0, MAX_NEW)) {
      const target = watched.get(remote)!;
      const pid = owners.get(inode);
      const where = `${target.name} (${target.host}:${target.port})`;
      if (pid === undefined) {
        // Its owner may be another user's process, which the gateway cannot look into; its own are never hidden.
        if (deps.ownUid === null || uid === deps.ownUid || uid === 0) continue;
        const sentence = `A process of user ${uid} speaks to ${where} without Countersign; whose it is cannot be told`;
        see({ kind: 'connection', how: 'unsure', sentence, key: `${remote} ${uid}` });
        continue;
      }
      const agent = pid === deps.ownPid ? null : processes.agentOf(pid, agents);
      if (agent === null || processes.line(pid).some((one) => one.pid === deps.ownPid)) continue;
      const [own] = processes.line(pid);
      const by =
        own === undefined || own.pid === agent.pid
          ? `${agent.name} (${agent.pid})`
          : `${own.name} (${own.pid}) of ${agent.name} (${agent.pid})`;
      const sentence = `${by} speaks to ${where} without Countersign`;
      see({ kind: 'connection', how: 'certain', sentence, key: `${remote} ${own?.name} ${agent.pid}` });
    }
  }

  async function scan(): Promise<void> {
    if (running) return;
    running = true;
    try {
      await look();
      scans += 1;
    } catch (error) {
      deps.onProblem(`the sentinel could not look: ${(error as Error).message}`);
    } finally {
      running = false;
    }
  }

  function lookForRisks(): void {
    try {
      for (const { kind, sentence } of deps.risks().slice(0, MAX_NEW))
        see({ kind, how: 'possible', sentence, key: sentence });
    } catch (error) {
      deps.onProblem(`the sentinel could not look for risks: ${(error as Error).message}`);
    }
  }

  const linux = deps.platform === 'linux';
  const stop = [...(linux ? [deps.every(SCAN_MS, () => void scan())] : []), deps.every(RISKS_MS, lookForRisks)];

  return {
    scan,
    lookForRisks,
    view: () => ({
      findings: findings.list(),
      watching: [
        linux
          ? `Connections of agents to ${deps.targets().length} registered targets, every ${SCAN_MS / 1000} seconds; shorter ones may pass unseen`
          : 'Connections are not watched on this system',
        deps.ownUid === null
          ? 'Credentials and MCP servers of Cursor within reach of its agent, every 10 minutes'
          : 'Whose process it is, and which credentials are within reach, cannot be seen by the protected gateway; countersign cursor doctor looks as you',
        'It tells and records; it cuts nothing',
      ],
      scans,
      milliseconds,
    }),
    close() {
      for (const one of stop) one();
    },
  };
}

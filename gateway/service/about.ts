import { homedir } from 'node:os';
import { join } from 'node:path';
import { lookAtAgents } from '../agents/look.ts';
import { version } from '../cli/version.ts';
import type { About } from '../contract/about.ts';
import type { ControlHandlers } from '../control/handlers.ts';

export interface AboutDeps {
  home: string;
  recordingsDir: string;
  options: {
    notifications?: boolean | undefined;
    expireAfterSeconds?: number | undefined;
    protected?: object | undefined;
  };
  startedAt: number;
  socket(): string;
  /** How a command is typed that reaches this gateway. */
  typed(args: string): string;
}

const FILES = {
  policy: 'policy',
  connections: 'connections.json',
  mcp: 'mcp-servers.json',
  providers: 'providers.json',
  grants: 'grants.json',
  log: 'gateway.log',
} as const;

/** What is told of the program itself, and of the agents beside it. */
export function createAboutHandlers(deps: AboutDeps): Pick<ControlHandlers, 'about' | 'agents'> {
  const { home, recordingsDir, options, startedAt, socket, typed } = deps;
  return {
    about: (): About => ({
      version: version(),
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
      startedAt: new Date(startedAt).toISOString(),
      command: typed('').trim(),
      options: {
        notifications: options.notifications ?? false,
        expireAfterSeconds: options.expireAfterSeconds ?? null,
      },
      places: [
        { what: 'home', path: home },
        { what: 'recordings', path: recordingsDir },
        ...Object.entries(FILES).map(([what, name]) => ({ what: what as keyof typeof FILES, path: join(home, name) })),
        { what: 'socket', path: socket() },
      ],
    }),
    agents: () => ({
      items: lookAtAgents({
        // In protected mode the gateway is another user, who has no part in the developer's home.
        home: options.protected === undefined ? homedir() : null,
        platform: process.platform,
        typed,
      }),
    }),
  };
}

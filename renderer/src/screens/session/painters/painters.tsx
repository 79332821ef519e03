import type { Session } from '../../../../../gateway/contract/session.ts';
import { agent } from './agent.tsx';
import type { Painter } from './painter.ts';
import { postgres } from './postgres.tsx';
import { terminal } from './terminal.tsx';

/** One for each protocol: this does not compile without it. */
export const painters: Readonly<Record<Session['protocol'], Painter>> = {
  postgres,
  agent,
  mcp: agent,
  terminal,
};

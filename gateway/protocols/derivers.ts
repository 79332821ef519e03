import type { SessionDeriver } from '../pipeline/derive.ts';
import { AgentDeriver } from './agent/deriver.ts';
import { FactsDeriver } from './facts-deriver.ts';
import { McpDeriver } from './mcp/deriver.ts';
import { Deriver } from './postgres/derive/deriver.ts';

/** What reads the recorded bytes of a session of `protocol` (the kind of its connection). */
export function deriverFor(protocol: string): SessionDeriver {
  if (protocol === 'mcp') return new McpDeriver();
  if (protocol === 'agent') return new AgentDeriver();
  return protocol === 'postgres' ? new Deriver() : new FactsDeriver();
}

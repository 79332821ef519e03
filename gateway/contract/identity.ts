import { z } from 'zod';

/** The person the agent acts for. `verified` is false for a local account: it says so in every recording. */
export const Identity = z.object({
  subject: z.string().max(256),
  display: z.string().max(256),
  /** workload: no person; a provider's token says which service, pipeline or machine it is. */
  kind: z.enum(['local', 'oidc', 'saml', 'workload']),
  verified: z.boolean(),
  groups: z.array(z.string().max(256)).max(512),
});
export type Identity = z.infer<typeof Identity>;

export const ProcessRef = z.object({ pid: z.number().int(), name: z.string().max(256) });
export type ProcessRef = z.infer<typeof ProcessRef>;

/** The client process as the operating system tells it. A hint for the person, never a boundary. */
export const AgentProcess = z.object({
  pid: z.number().int().nullable(),
  name: z.string().max(256),
  /** Nearest parent first; ends at pid 1 or 16 entries. */
  parents: z.array(ProcessRef).max(16),
});
export type AgentProcess = z.infer<typeof AgentProcess>;

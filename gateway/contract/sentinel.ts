import { z } from 'zod';

/** A way around the gateway that was seen. */
export const SentinelFinding = z.object({
  id: z.string(),
  /** connection: a process speaks to a registered target itself. credential, mcp-server: an agent could. */
  kind: z.enum(['connection', 'credential', 'mcp-server']),
  sentence: z.string(),
  /** certain: an agent's process. unsure: whose it is cannot be told. possible: nobody did it yet. */
  how: z.enum(['certain', 'unsure', 'possible']),
  firstAt: z.string(),
  lastAt: z.string(),
  count: z.number().int(),
});
export type SentinelFinding = z.infer<typeof SentinelFinding>;

export const SentinelView = z.object({
  /** Latest first. */
  findings: z.array(SentinelFinding),
  /** What is watched, and what cannot be, in sentences. */
  watching: z.array(z.string()),
  scans: z.number().int(),
  /** Of the last scan of connections. */
  milliseconds: z.number(),
});
export type SentinelView = z.infer<typeof SentinelView>;

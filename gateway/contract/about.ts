import { z } from 'zod';
import { AgentName } from './hooks.ts';

/** What a person may want to know of the program that answers, beyond how it is. */
export const About = z.object({
  version: z.string(),
  /** Of the Node that runs it. */
  node: z.string(),
  platform: z.string(),
  startedAt: z.string(),
  /** How the command line is called here, with what it needs to find this gateway. */
  command: z.string(),
  /** What it was started with. */
  options: z.object({
    notifications: z.boolean(),
    /** Nothing waits longer for a person; null: as long as policy says. */
    expireAfterSeconds: z.number().int().nullable(),
  }),
  /** Where things are, as the gateway sees them. */
  places: z.array(
    z.object({
      what: z.enum(['home', 'recordings', 'policy', 'connections', 'mcp', 'providers', 'grants', 'log', 'socket']),
      path: z.string(),
    }),
  ),
});
export type About = z.infer<typeof About>;

/** A coding agent whose hooks can be installed; the console shows the command and writes nothing itself. */
export const AgentView = z.object({
  name: AgentName,
  title: z.string(),
  /** Its settings, at the level of the user. */
  file: z.string(),
  /** null: the gateway may not look into the developer's home (protected mode). */
  found: z.boolean().nullable(),
  hooks: z.boolean().nullable(),
  /** To be typed by a person. */
  install: z.string(),
  uninstall: z.string(),
  note: z.string().nullable(),
});
export type AgentView = z.infer<typeof AgentView>;

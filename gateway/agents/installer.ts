import type { AgentName } from '../contract/hooks.ts';
import type { HookTable } from './install/merge.ts';

export type Level = 'user' | 'project' | 'managed';

export interface Where {
  /** The developer's. */
  home: string;
  /** Root of the project. */
  project: string;
  platform: NodeJS.Platform;
}

/** How hooks get into an agent's settings. */
export interface AgentInstaller {
  name: AgentName;
  /** As its makers call it. */
  title: string;
  /** The file of a level; null: the agent has none that Countersign can write. */
  file(level: Level, where: Where): string | null;
  /**
   * @param home of the gateway, where it is not the usual one.
   * @param plain allowed commands run as they are; else, where the agent can, in a recorded terminal.
   */
  hooks(home: string | null, plain?: boolean): HookTable;
  /** What a person has to do or know besides. */
  note: string | null;
}

/** A person decides in this time; the shipped policy waits for less. */
export const DECISION_SECONDS = 600;
/** For events that ask nothing. */
export const TELLING_SECONDS = 30;

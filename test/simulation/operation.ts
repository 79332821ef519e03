/** One thing that the agent asked for, as its person would see it. */
export type WeekOperation = {
  n: number;
  /** UTC. */
  at: string;
  conversation: string;
} & WeekAction;

export type WeekAction =
  | { by: 'sql'; connection: string; text: string; rows: number }
  | { by: 'shell'; cwd: string; command: string }
  | { by: 'mcp'; server: string; tool: string; arguments: Record<string, string | number | boolean> }
  | { by: 'file'; action: 'read' | 'write' | 'delete'; path: string };

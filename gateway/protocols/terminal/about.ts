/** What terminals are called where other sessions name their connection. */
export const CONNECTION = 'terminal';

/** The exchanges of a terminal's recording: input and output, and standard error where it is apart. */
export const MAIN_EXCHANGE = 0;
export const ERRORS_EXCHANGE = 1;

/** Events of a terminal's recording. */
export const EVENT = {
  /** What was asked for; in units. */
  command: 'command',
  /** {cols, rows} */
  resize: 'resize',
  /** The program runs: {environment, connections: [{id, agentSessionId}], files}. */
  started: 'started',
  /** {code, problem} */
  ended: 'ended',
  /** A hook had it decided: {sessionId, approvalId}. */
  approvedBefore: 'approved-before',
} as const;

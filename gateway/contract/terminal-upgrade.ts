/** Where a command line changes its connection with the control socket from HTTP to a terminal's frames. */
export const TERMINAL_PATH = '/api/terminal';
export const TERMINAL_UPGRADE = 'countersign-terminal/1';

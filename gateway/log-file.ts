import { closeSync, openSync, writeSync } from 'node:fs';

export interface LogFile {
  write(line: string): void;
  close(): void;
}

/**
 * A file that lines are appended to (mode 0600). A line that cannot be written is lost: on a full disk
 * pino's own destination tries again for ever, and no session is served while it does.
 */
export function openLogFile(path: string): LogFile {
  const fd = openSync(path, 'a', 0o600);
  let open = true;
  return {
    write(line) {
      try {
        if (open) writeSync(fd, line);
      } catch {
        // There is nowhere to say so.
      }
    },
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

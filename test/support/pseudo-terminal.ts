import { spawn } from 'node:child_process';

/** Runs a program on a terminal of its own and types answers to what it asks, one after the other. */
const DRIVER = `
import json, os, pty, select, sys
argv, answers = json.loads(sys.argv[1]), json.loads(sys.argv[2])
pid, fd = pty.fork()
if pid == 0:
    os.execv(argv[0], argv)
shown, since = b'', 0
while True:
    if not select.select([fd], [], [], 60)[0]:
        os.kill(pid, 9)
        break
    try:
        read = os.read(fd, 65536)
    except OSError:
        break
    if not read:
        break
    shown += read
    if answers and answers[0][0].encode() in shown[since:]:
        since = len(shown)
        os.write(fd, answers.pop(0)[1].encode() + b'\\r')
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
`;

export interface TerminalRun {
  code: number | null;
  /** Everything that appeared on the terminal. */
  shown: string;
}

/**
 * @param python an interpreter of Python 3.9 or later.
 * @param answers pairs of a question's text and what is typed when it appears.
 */
export function runOnTerminal(
  python: string,
  argv: readonly string[],
  answers: readonly (readonly [string, string])[],
  env: NodeJS.ProcessEnv,
): Promise<TerminalRun> {
  return new Promise((done, fail) => {
    const child = spawn(python, ['-c', DRIVER, JSON.stringify(argv), JSON.stringify(answers)], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let shown = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      shown += chunk;
    });
    child.on('error', fail);
    child.on('close', (code) => done({ code, shown }));
  });
}

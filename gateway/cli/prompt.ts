import { openSync } from 'node:fs';
import { ReadStream, WriteStream } from 'node:tty';
import { CountersignError } from '../contract/errors.ts';

/** Where a person types. A pipe, a file or an argument is never asked: what comes from there may come from a program. */
export interface Prompt {
  /** Shown as it is typed. */
  line(question: string, signal?: AbortSignal): Promise<string>;
  /** Not shown. */
  secret(question: string, signal?: AbortSignal): Promise<string>;
}

const LONGEST = 4096;

interface Terminal {
  input: ReadStream;
  output: { write(text: string): unknown };
  close(): void;
}

/** Standard input when it is a terminal, else the process's controlling terminal, else a refusal. */
function openTerminal(): Terminal {
  if (process.stdin.isTTY) {
    return { input: process.stdin, output: process.stderr, close: () => process.stdin.pause() };
  }
  try {
    const input = new ReadStream(openSync('/dev/tty', 'r'));
    const output = new WriteStream(openSync('/dev/tty', 'w'));
    return {
      input,
      output,
      close: () => {
        input.destroy();
        output.destroy();
      },
    };
  } catch (cause) {
    throw new CountersignError(
      'NO_TERMINAL',
      'this is typed by a person on a terminal, and here is none; run it in one, or use the console',
      { cause },
    );
  }
}

/** Reads keys until Enter; ^C and ^D give up. */
function read(question: string, echo: boolean, signal?: AbortSignal): Promise<string> {
  const terminal = openTerminal();
  return new Promise((done, fail) => {
    let typed = '';
    // Before the question is seen, so that nothing typed in answer to it is echoed by the terminal.
    terminal.input.setRawMode(true);
    terminal.output.write(question);
    terminal.input.resume();
    const finish = (settle: () => void) => {
      terminal.input.off('data', onData);
      signal?.removeEventListener('abort', onAbort);
      terminal.input.setRawMode(false);
      terminal.output.write('\n');
      terminal.close();
      settle();
    };
    const giveUp = () => finish(() => fail(new CountersignError('PROMPT_CANCELLED', 'cancelled; nothing was decided')));
    const onAbort = () => giveUp();
    const onData = (chunk: Buffer) => {
      for (const key of chunk.toString('utf8')) {
        if (key === '\r' || key === '\n') return finish(() => done(typed));
        if (key === '\u0003' || key === '\u0004') return giveUp();
        if (key === '\u007f' || key === '\b') {
          if (typed !== '' && echo) terminal.output.write('\b \b');
          typed = [...typed].slice(0, -1).join('');
        } else if (key >= ' ' && typed.length < LONGEST) {
          typed += key;
          if (echo) terminal.output.write(key);
        }
      }
    };
    terminal.input.on('data', onData);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
  });
}

export const terminalPrompt: Prompt = {
  line: (question, signal) => read(question, true, signal),
  secret: (question, signal) => read(question, false, signal),
};

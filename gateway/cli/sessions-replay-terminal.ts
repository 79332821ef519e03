import { CountersignError } from '../contract/errors.ts';
import { playback, terminalHead } from '../protocols/terminal/playback.ts';
import type { RecordedSession } from '../recording/recorded.ts';
import type { Cli } from './cli.ts';
import type { SessionDeps } from './sessions.ts';
import type { Pace } from './sessions-replay.ts';
import { RESET, SafeOutput } from './terminal/safe-output.ts';
import { visibleLine } from './terminal/visible.ts';

/** Sequences that a terminal would obey, which as text say nothing (ECMA-48). */
const SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]P_^X][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/][0-~]|[0-~])/g;
/** A line without end is shown in pieces. */
const MAX_LINE = 4096;

/** Lines of a terminal's text as a file would have them: what was drawn over is the last of it. */
class PlainLines {
  #line = '';

  push(text: string, write: (line: string) => void): void {
    this.#line += text;
    const lines = this.#line.split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) write(shown(line));
    if (this.#line.length > MAX_LINE) {
      write(shown(this.#line));
      this.#line = '';
    }
  }

  end(write: (line: string) => void): void {
    if (this.#line !== '') write(shown(this.#line));
  }
}

function shown(line: string): string {
  const last = line.replaceAll(SEQUENCES, '').replace(/\r+$/, '').split('\r').at(-1) ?? '';
  return visibleLine(last);
}

/** What a recorded terminal showed: as lines of text, or (`raw`) painted as it was, by what only paints. */
export async function paintTerminal(
  cli: Pick<Cli, 'out' | 'note' | 'signal'>,
  deps: SessionDeps,
  { folder, session }: { folder: string; session: RecordedSession },
  pace: Pace,
  raw: ((text: string) => void) | null,
): Promise<void> {
  const { size } = await terminalHead(deps.recordings, folder);
  const decoders = { output: new TextDecoder(), errors: new TextDecoder() };
  const safe = { output: new SafeOutput(), errors: new SafeOutput() };
  const lines = new PlainLines();
  const out = (line: string) => cli.out(line);
  let ended = '';
  try {
    for await (const played of playback(deps.recordings, folder)) {
      await pace.until(played.at / 1000);
      if (cli.signal.aborted) break;
      if (played.kind === 'output' || played.kind === 'errors') {
        const text = decoders[played.kind].decode(played.bytes, { stream: true });
        if (raw === null) lines.push(text, out);
        else
          raw(size === null ? safe[played.kind].push(text).replaceAll(/\r?\n/g, '\r\n') : safe[played.kind].push(text));
      } else if (played.kind === 'gap') {
        if (raw === null) lines.push('[redacted, or damaged]\n', out);
        else raw('\ufffd');
      } else if (played.kind === 'note' && played.name === 'ended') {
        ended = `; exit code ${Number(played.detail.code)}`;
      }
    }
  } finally {
    raw?.(RESET);
  }
  lines.end(out);
  if (cli.signal.aborted) cli.note('stopped');
  else cli.note(`End of the session${ended}${session.state === 'open' ? '; it goes on' : ''}`);
}

/** Where `--raw` paints. Throws USAGE where that is no terminal. */
export function rawScreen(isTerminal: boolean): (text: string) => void {
  if (!isTerminal) throw new CountersignError('USAGE', '--raw paints on a terminal, and this is none');
  return (text) => process.stdout.write(text);
}

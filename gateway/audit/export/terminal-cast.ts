import { type PlaybackSource, playback, terminalHead } from '../../protocols/terminal/playback.ts';
import { CastWriter, castHead } from './asciicast.ts';

export interface TerminalCastOptions {
  version: 2 | 3;
  /** Microseconds since the epoch. */
  openedAt: number;
  title: string;
  /** Milliseconds of silence that are kept at most. */
  idle: number;
  /** Also what was typed, as far as it is recorded. */
  input: boolean;
}

/**
 * A recorded terminal as an asciicast: the bytes as the terminal got them. Where they are no UTF-8, and where
 * parts were redacted, the replacement character stands for them, since asciicasts are text.
 */
export async function terminalCast(
  source: PlaybackSource,
  folder: string,
  options: TerminalCastOptions,
  write: (line: string) => Promise<void>,
): Promise<void> {
  const head = await terminalHead(source, folder);
  const { cols: columns, rows } = head.size ?? { cols: 120, rows: 40 };
  const { version, title, openedAt } = options;
  const timestamp = Math.floor(openedAt / 1e6);
  await write(castHead(version, { columns, rows, timestamp, title, type: head.type, command: head.text }));
  const lines: string[] = [];
  const writer = new CastWriter(version, (line) => lines.push(line));
  const decoders = { input: new TextDecoder(), output: new TextDecoder(), errors: new TextDecoder() };
  let last = openedAt;
  let code = 0;
  for await (const played of playback(source, folder)) {
    writer.pass(Math.min(Math.max(0, played.at - last) / 1000, options.idle));
    last = Math.max(last, played.at);
    switch (played.kind) {
      case 'output':
      case 'errors': {
        const text = decoders[played.kind].decode(played.bytes, { stream: true });
        // What went to pipes has the line ends of files; a terminal would have made these of them.
        if (text !== '') writer.output(head.size === null ? text.replaceAll(/\r?\n/g, '\r\n') : text);
        break;
      }
      case 'input':
        if (options.input) writer.input(decoders.input.decode(played.bytes, { stream: true }));
        break;
      case 'gap':
        if (played.stream !== 'input') writer.output('\ufffd');
        break;
      case 'resize':
        writer.resize(played.cols, played.rows);
        break;
      case 'note':
        if (played.name === 'ended') code = Number(played.detail.code) || 0;
    }
    for (const line of lines.splice(0)) await write(line);
  }
  writer.end(code);
  for (const line of lines.splice(0)) await write(line);
}

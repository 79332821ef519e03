import { CountersignError } from '../contract/errors.ts';
import type { TerminalEvent, TerminalPart } from '../contract/terminal.ts';
import { type PlaybackSource, type Played, playback, terminalHead } from '../protocols/terminal/playback.ts';
import type { RecordedSession } from '../recording/recorded.ts';

/** Of one part; the next one goes on behind it. */
const MAX_BYTES = 256 * 1024;
const MAX_EVENTS = 4000;

export interface TerminalRecordings extends PlaybackSource {
  findSession(recordingsDir: string, id: string): Promise<string | null>;
  readSession(folder: string): Promise<RecordedSession>;
}

/** A part of a recorded terminal. Throws SESSION_UNKNOWN, SESSION_NO_TERMINAL. */
export async function terminalPart(
  recordings: TerminalRecordings,
  recordingsDir: string,
  id: string,
  from: { unit: number; at: number },
): Promise<TerminalPart> {
  const folder = await recordings.findSession(recordingsDir, id);
  if (folder === null) throw new CountersignError('SESSION_UNKNOWN', `There is no session ${id}.`);
  const { info } = await recordings.readSession(folder);
  if (info.connection.kind !== 'terminal') {
    throw new CountersignError('SESSION_NO_TERMINAL', `Session ${id} is not one of a terminal.`);
  }
  const { size } = await terminalHead(recordings, folder);
  const openedAt = Date.parse(info.openedAt) * 1000;
  const events: TerminalEvent[] = [];
  let bytes = 0;
  let next: TerminalPart['next'] = null;
  for await (const played of playback(recordings, folder, from)) {
    if (bytes >= MAX_BYTES || events.length >= MAX_EVENTS) {
      // What is of the same moment belongs to the same part, or events of that moment would be lost.
      if (next !== null && played.at > next.at) return { size, events, next };
    }
    next = { unit: played.unit + (isData(played) ? 1 : 0), at: played.at };
    events.push(eventOf(played, openedAt));
    if ('bytes' in played) bytes += played.bytes.length;
  }
  return { size, events, next: null };
}

const isData = (played: Played) => played.kind !== 'note' && played.kind !== 'resize';

function eventOf(played: Played, openedAt: number): TerminalEvent {
  const at = Math.max(0, (played.at - openedAt) / 1000);
  switch (played.kind) {
    case 'gap':
      return { kind: 'gap', at };
    case 'resize':
      return { kind: 'resize', at, cols: played.cols, rows: played.rows };
    case 'note':
      return { kind: 'note', at, name: played.name };
    default:
      return { kind: played.kind, at, data: Buffer.from(played.bytes).toString('base64') };
  }
}

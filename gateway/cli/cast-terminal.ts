import { terminalCast } from '../audit/export/terminal-cast.ts';
import { CountersignError } from '../contract/errors.ts';
import type { PlaybackSource } from '../protocols/terminal/playback.ts';
import type { RecordedSession } from '../recording/recorded.ts';
import type { Cli } from './cli.ts';
import { visibleLine } from './terminal/visible.ts';

export function castTitle({ id, info }: RecordedSession): string {
  return visibleLine(
    `Session ${id}: ${info.identity.display} by ${info.agent.name} on ${info.connection.id}/${info.database}`,
  );
}

/**
 * A recorded terminal as an asciicast. The file holds what the command wrote, so it is for players.
 * @param how `idle` in seconds: silence is cut to it.
 */
export async function castTerminal(
  cli: Pick<Cli, 'signal'>,
  source: PlaybackSource,
  { folder, session }: { folder: string; session: RecordedSession },
  { version, idle }: { version: 2 | 3; idle: number },
  write: (line: string) => Promise<void>,
): Promise<void> {
  const options = {
    version,
    openedAt: Date.parse(session.info.openedAt) * 1000,
    title: castTitle(session),
    idle: idle * 1000,
    input: true,
  };
  await terminalCast(source, folder, options, async (line) => {
    if (cli.signal.aborted) throw new CountersignError('STOPPED', 'stopped; what was written is not whole');
    await write(line);
  });
}

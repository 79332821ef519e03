import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { readFrames } from '../../gateway/evidence/device/entry-frames.ts';
import { LogEntry } from '../../gateway/evidence/format/log-entries.ts';

/** What a gateway's device log has on its own disk. */
export async function loggedEntries(home: string): Promise<LogEntry[]> {
  const file = await open(join(home, 'device', 'log', 'entries'), 'r');
  try {
    const entries: LogEntry[] = [];
    for await (const read of readFrames(file, 0, (await file.stat()).size)) {
      for (const bytes of read.entries) entries.push(LogEntry.parse(JSON.parse(bytes.toString())));
    }
    return entries;
  } finally {
    await file.close();
  }
}

import { join } from 'node:path';
import { exchanges, readSession, sessionFolders } from '../../gateway/recording/reader.ts';
import type { RecordedSession, RecordedStatement } from '../../gateway/recording/recorded.ts';
import { eventually } from './side-by-side.ts';

/** Closed sessions of one application name, once every session of that name is closed. */
export function closedSessions(home: string, applicationName: string): Promise<RecordedSession[]> {
  return eventually(`the recordings of ${applicationName}`, async () => {
    const found: RecordedSession[] = [];
    for await (const folder of sessionFolders(join(home, 'recordings'))) {
      const session = await readSession(folder);
      if (session.info.applicationName === applicationName) found.push(session);
    }
    return found.length > 0 && found.every(({ close }) => close !== null) ? found : null;
  });
}

/** Every statement recorded in the sessions of one application name, with the text of its first of a kind. */
export async function sessionStatements(
  home: string,
  applicationName: string,
): Promise<(RecordedStatement & { shape: string | null })[]> {
  const all: (RecordedStatement & { shape: string | null })[] = [];
  for (const { folder } of await closedSessions(home, applicationName)) {
    const texts = new Map<string, string>();
    for await (const { statements } of exchanges(folder)) {
      for (const statement of statements) {
        if (statement.text !== null && !texts.has(statement.fingerprint))
          texts.set(statement.fingerprint, statement.text);
        all.push({ ...statement, shape: texts.get(statement.fingerprint) ?? null });
      }
    }
  }
  return all;
}

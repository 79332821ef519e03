import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleEvidence } from '../recording/bundle.ts';
import { deviceFolder, readDeviceFile } from './device/device-file.ts';
import { readFrames } from './device/entry-frames.ts';
import { sessionEvidence } from './session-evidence.ts';

/**
 * What this machine itself has of the evidence for a session, whether its gateway runs or not; nothing while the
 * device belongs to no organisation. Without cosignatures: those are in the store.
 */
export async function localEvidence(home: string, sid: string): Promise<BundleEvidence[]> {
  const folder = deviceFolder(home);
  if ((readDeviceFile(home)?.org ?? null) === null) return [];
  const checkpoints = join(folder, 'log', 'checkpoints');
  const sizes = namesIn(checkpoints, /^\d{1,15}$/).map(Number);
  if (sizes.length === 0) return [];
  const size = Math.max(...sizes);
  const note = readFileSync(join(checkpoints, String(size)));
  const entries = await open(join(folder, 'log', 'entries'), 'r');
  try {
    return await sessionEvidence(sid, {
      trust: notesIn(join(folder, 'trust')),
      identity: notesIn(join(folder, 'identity')),
      entries: framesOf(entries),
      head: { size, note },
      stamps: [],
    });
  } finally {
    await entries.close();
  }
}

async function* framesOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for await (const { entries } of readFrames(file, 0, (await file.stat()).size)) yield* entries;
}

const namesIn = (folder: string, pattern: RegExp): string[] =>
  existsSync(folder) ? readdirSync(folder).filter((name) => pattern.test(name)) : [];

const notesIn = (folder: string): BundleEvidence[] =>
  namesIn(folder, /\.note$/)
    .sort()
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));

import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { equal } from '../../recording/format/bytes.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { isCheckpointOf, parseCheckpoint, type SignedCheckpoint } from '../format/checkpoint.ts';
import type { Vkey } from '../format/vkey.ts';
import { readFrames } from './entry-frames.ts';
import { LogTree } from './log-tree.ts';
import type { LogCheckpoint } from './ports.ts';

const ENTRIES = 'entries';
const CHECKPOINTS = 'checkpoints';
/** The newest, and one before it in case somebody has to compare. */
const KEPT_CHECKPOINTS = 2;

export interface OpenedLogFolder {
  file: FileHandle;
  tree: LogTree;
  checkpoint: LogCheckpoint | null;
  /** Bytes of an entry that was being written when the machine stopped; they are set aside. */
  torn: number;
  /** What does not fit together, as the end of a sentence; then nothing was changed on disk. */
  damage: string | null;
}

/** Into a folder that is there. Writes whole or not at all, and is on disk before it resolves. */
export async function writeFileDurably(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(folder, `${name}.tmp`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, name));
  await syncFolder(folder);
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const checkpointSizes = async (folder: string): Promise<number[]> =>
  (await readdir(join(folder, CHECKPOINTS)))
    .filter((name) => /^\d{1,15}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);

/** Puts a checkpoint beside the one before it and lets go of older ones, which say nothing that it does not. */
export async function keepCheckpoint(folder: string, checkpoint: LogCheckpoint): Promise<void> {
  await writeFileDurably(join(folder, CHECKPOINTS), String(checkpoint.size), checkpoint.note);
  for (const size of (await checkpointSizes(folder)).slice(0, -KEPT_CHECKPOINTS)) {
    await rm(join(folder, CHECKPOINTS, String(size)), { force: true });
  }
}

/**
 * Reads the whole log and holds it against its newest checkpoint: what that covers is never changed here, and
 * where it does not fit, nothing is. A torn tail behind it is set aside.
 *
 * @param begun that there has been a checkpoint: a log without one was taken away.
 * @param see each entry in order.
 */
export async function openLogFolder(
  folder: string,
  keys: readonly Vkey[],
  begun: boolean,
  see: (entry: Buffer) => void,
): Promise<OpenedLogFolder> {
  await mkdir(join(folder, CHECKPOINTS), { recursive: true, mode: 0o700 });
  const file = await open(join(folder, ENTRIES), constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    await syncFolder(folder);
    const newest = await newestCheckpoint(folder, keys);
    const tree = new LogTree(file);
    const { size } = await file.stat();
    let root: Uint8Array | null = null;
    for await (const { entries } of readFrames(file, 0, size)) {
      for (const entry of entries) {
        tree.add(entry);
        see(entry);
        if (newest.checkpoint?.size === tree.size) root = tree.root();
      }
    }
    const damage = newest.damage ?? damageOf(newest.checkpoint, begun, tree.size, root);
    const torn = size - tree.end;
    if (damage === null && torn > 0) await setAside(folder, file, tree, torn);
    return { file, tree, checkpoint: newest.checkpoint, torn, damage };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function newestCheckpoint(
  folder: string,
  keys: readonly Vkey[],
): Promise<{ checkpoint: LogCheckpoint | null; damage: string | null }> {
  const size = (await checkpointSizes(folder)).at(-1);
  if (size === undefined) return { checkpoint: null, damage: null };
  const note = await readFile(join(folder, CHECKPOINTS, String(size)));
  let parsed: SignedCheckpoint;
  try {
    parsed = parseCheckpoint(note);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { checkpoint: null, damage: `its checkpoint of ${size} entries cannot be read` };
  }
  const checkpoint = { size: parsed.size, root: parsed.root, note: new Uint8Array(note) };
  const own = parsed.size === size && keys.some((key) => isCheckpointOf(p, parsed, key));
  return { checkpoint, damage: own ? null : `its checkpoint of ${size} entries is not signed by a key of this device` };
}

function damageOf(
  checkpoint: LogCheckpoint | null,
  begun: boolean,
  size: number,
  root: Uint8Array | null,
): string | null {
  if (checkpoint === null) {
    // The first entry has its checkpoint before there is a second one.
    return begun || size > 1 ? 'its checkpoints are gone' : null;
  }
  if (size < checkpoint.size) {
    return `${checkpoint.size} entries were signed for and ${size} are there that can be read`;
  }
  return root !== null && equal(root, checkpoint.root)
    ? null
    : `its first ${checkpoint.size} entries are not those that were signed for`;
}

async function setAside(folder: string, file: FileHandle, tree: LogTree, torn: number): Promise<void> {
  // One write's worth: appending ends with the first frame that is not whole.
  const tail = Buffer.alloc(Math.min(torn, 1024 * 1024));
  const { bytesRead } = await file.read(tail, 0, tail.length, tree.end);
  await writeFileDurably(folder, `torn-${tree.size}.bin`, tail.subarray(0, bytesRead));
  await file.truncate(tree.end);
  await file.sync();
}

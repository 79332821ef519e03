import type { SessionDeriver } from '../../pipeline/derive.ts';
import { deriverFor } from '../../protocols/derivers.ts';
import { type RecordingSource, START, type WalkCursor, walkSession } from '../walk.ts';
import type { Batch } from './batch.ts';

/** A deriver's state that is larger is not kept: the session is then walked again from its start. */
const MAX_SNAPSHOT_CHARS = 4 * 1024 * 1024;

export interface IndexOptions {
  /** Whose recording it is, where the auditor knows. */
  device?: string | null;
  signal?: AbortSignal;
  /** After each transaction. */
  progress?: () => void;
}

/**
 * Adds what the index lacks of one session's recording to the batch, writing it whenever it is full. What is
 * left in the batch at the end is the caller's to write.
 */
export async function indexSession(
  batch: Batch,
  source: RecordingSource,
  folder: string,
  { device = null, signal, progress }: IndexOptions = {},
): Promise<void> {
  const recorded = await source.readSession(folder);
  const over = recorded.state !== 'open';
  const row = batch.known(recorded.id);
  if (row?.finished === 1) return;
  const kept: WalkCursor = row === null ? START : { nextUnit: row.next_unit, lastExchange: row.last_exchange };
  const snapshot = row?.deriver ?? null;
  const deriver = deriverFor(recorded.info.connection.kind);
  if (snapshot !== null) deriver.restore(JSON.parse(snapshot));
  // Without the deriver's state the names of earlier exchanges are learnt again; nothing of them is written twice.
  const from = snapshot === null ? START : kept;
  batch.begin(recorded, device, kept, row?.statements ?? 0);
  try {
    for await (const step of walkSession(source, folder, { cursor: from, deriver, unfinished: over })) {
      if (signal?.aborted) break;
      if (step.cursor.lastExchange <= kept.lastExchange) continue;
      batch.add(step);
      if (!batch.full || !step.ended) continue;
      batch.mark(snapshotOf(deriver), false);
      const ours = batch.write();
      progress?.();
      if (!ours) return batch.drop();
    }
  } catch (error) {
    batch.drop();
    throw error;
  }
  // What was added last may be half an exchange.
  if (signal?.aborted) return batch.drop();
  batch.mark(over ? null : snapshotOf(deriver), over);
  batch.end();
}

function snapshotOf(deriver: SessionDeriver): string | null {
  const text = JSON.stringify(deriver.snapshot());
  return text.length > MAX_SNAPSHOT_CHARS ? null : text;
}

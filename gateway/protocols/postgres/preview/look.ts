import type { PreviewLimits } from '../../../contract/connection.ts';
import type { Preview } from '../../../contract/preview.ts';
import type { ParseOutcome } from '../classifier/parser.ts';
import type { Look } from '../relay/own-lane.ts';
import { LARGE_TEXT } from '../relay/state.ts';
import { readChange } from './change.ts';
import { lookAtRows, NOTHING_YET } from './rows.ts';
import { PreviewSession, Stopped } from './session.ts';

export interface LookDeps {
  parse(sql: string): ParseOutcome;
  limits: PreviewLimits;
  /** Milliseconds since the epoch. */
  now(): number;
  /** A name for statements and savepoints that no client has. */
  newName(): string;
  /** A mistake of ours; the person decides without a preview. */
  unexpected(error: unknown): void;
}

/**
 * Finds out what a held statement would do and tells the request so. What is sent for it is recorded as the
 * gateway's own. Rejects only where the session could not be brought back to where it was.
 */
export function createLook({ parse, limits, now, newName, unexpected }: LookDeps): Look {
  return async (held, lane) => {
    const { text } = held.statement;
    const change = text.length > LARGE_TEXT ? null : readChange(text, parse);
    if (change === null) return;
    const { recorder } = lane.session.deps;
    const { approvalId } = held.pending;
    held.pending.setPreview(NOTHING_YET);
    const session = new PreviewSession(lane, newName(), (sql) =>
      recorder.event('preview-sent', { approvalId, sql }, 'unit'),
    );
    let found: Preview | null = null;
    try {
      found = await lookAtRows({ held, lane, session, change, limits, now });
    } catch (error) {
      if (!(error instanceof Stopped)) unexpected(error);
      found = { ...NOTHING_YET, state: 'done', why: 'What it would touch could not be found out.' };
    } finally {
      await session.end();
    }
    recorder.event('previewed', { approvalId, preview: found }, 'unit');
    held.pending.setPreview(found);
  };
}

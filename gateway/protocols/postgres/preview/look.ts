import type { PreviewLimits } from '../../../contract/connection.ts';
import type { Preview } from '../../../contract/preview.ts';
import type { ParseOutcome } from '../classifier/parser.ts';
import type { Look } from '../relay/own-lane.ts';
import { LARGE_TEXT } from '../relay/state.ts';
import { readChange, readDefinition } from './change.ts';
import { lookAtObjects, NO_OBJECTS_YET } from './objects.ts';
import { lookAtRows, NOTHING_YET } from './rows.ts';
import { PreviewSession, Refused, Stopped } from './session.ts';

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
    if (text.length > LARGE_TEXT) return;
    const change = readChange(text, parse);
    const definition = change === null ? readDefinition(text, parse) : null;
    if (change === null && definition === null) return;
    const { recorder } = lane.session.deps;
    const { approvalId } = held.pending;
    const begun: Preview = change ? NOTHING_YET : NO_OBJECTS_YET;
    held.pending.setPreview(begun);
    const session = new PreviewSession(lane, newName(), (sql) =>
      recorder.event('preview-sent', { approvalId, sql }, 'unit'),
    );
    let found: Preview = { ...begun, state: 'done', why: 'What it would touch could not be found out.' };
    try {
      if (change) found = await lookAtRows({ held, lane, session, change, limits, now });
      else if (definition) found = await lookAtObjects({ session, definition, limits, now });
    } catch (error) {
      if (!(error instanceof Stopped || error instanceof Refused)) unexpected(error);
    } finally {
      await session.end();
    }
    recorder.event('previewed', { approvalId, preview: found }, 'unit');
    held.pending.setPreview(found);
  };
}

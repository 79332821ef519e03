import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewAuditLogEntry } from '../audit/audit-log.ts';
import { CountersignError } from '../contract/errors.ts';
import { unpackBundle } from '../recording/bundle.ts';
import type { RecordedSession } from '../recording/recorded.ts';
import type { SessionDeps } from './sessions.ts';
import { folderOf } from './sessions-find.ts';
import { visibleLine } from './terminal/visible.ts';

/** What an auditor does with recordings, written to their own log before it happens; nothing outside of a workspace. */
export type AuditTrail = (entry: NewAuditLogEntry) => void;
export const NO_TRAIL: AuditTrail = () => {};

/** A session to work on: a recording's own folder, or a bundle's content while it is worked on. */
export interface OpenedSession {
  folder: string;
  session: RecordedSession;
  close(): void;
}

/** By ID (whole, a beginning, or "last"), by a session's folder, or by a bundle's file. Throws what cannot be found or read. */
export async function openForAudit(deps: SessionDeps, what: string): Promise<OpenedSession> {
  const isFile = existsSync(what) && statSync(what).isFile();
  const parent = isFile ? mkdtempSync(join(tmpdir(), 'countersign-audit-')) : null;
  const close = () => {
    if (parent !== null) rmSync(parent, { recursive: true, force: true });
  };
  try {
    const folder =
      parent !== null
        ? await unpackBundle(what, parent)
        : existsSync(join(what, 'open.json'))
          ? what
          : await folderOf(deps, what);
    return { folder, session: await deps.recordings.readSession(folder), close };
  } catch (error) {
    close();
    if (error instanceof CountersignError && error.code === 'RECORDING_BAD_BUNDLE')
      throw new CountersignError(error.code, `${visibleLine(what)}: ${error.message}`, { cause: error });
    throw error;
  }
}

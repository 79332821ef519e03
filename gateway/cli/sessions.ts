import type { Command } from 'commander';
import type { Verification } from '../contract/session.ts';
import type { RecordedEvent } from '../recording/recorded.ts';
import type { Store } from '../store/store.ts';
import type { RecordingSource } from '../store/walk.ts';
import type { Cli } from './cli.ts';
import { registerExport } from './sessions-export.ts';
import type { GatewaySessions } from './sessions-gateway.ts';
import { registerList } from './sessions-list.ts';
import { registerReplay } from './sessions-replay.ts';
import { registerRetention } from './sessions-retention.ts';
import { registerShow } from './sessions-show.ts';
import { registerVerify } from './sessions-verify.ts';
import { registerHolds } from './sync-holds.ts';
import type { TerminalShape } from './terminal/style.ts';
import { registerUndo } from './undo.ts';

/** What the commands work on; they need a running gateway only where it keeps the recordings to itself. */
export interface SessionDeps {
  recordingsDir(): string;
  /** For reading it never waits for a gateway. Throws STORE_MISSING, STORE_OUTDATED, STORE_FROM_FUTURE, STORE_UNREADABLE. */
  openStore(mode: 'read' | 'write'): Store;
  /** Who tells of sessions where recordings are not this user's to read; null where they are. */
  gateway(): GatewaySessions | null;
  /**
   * Deletes a recording by the gateway, whose device's log has to say so; null where no device has a log, and the
   * recording's folder is all there is of it.
   */
  remover(): ((sid: string, why: string, pin: string) => Promise<void>) | null;
  recordings: RecordingSource & { events(folder: string): AsyncIterable<RecordedEvent> };
  /** Everything that can be checked of one session's folder, or of a bundle. Throws when there is nothing to check. */
  verify(target: string, options: { headFile?: string }): Promise<Verification>;
  /** Writes a bundle to `out`; throws when `out` is there. */
  exportBundle(folder: string, out: string): Promise<void>;
  terminal: TerminalShape;
  /** Tests decide how time goes. */
  now(): number;
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** `countersign sessions …`. */
export function registerSessionCommands(program: Command, cli: Cli, deps: SessionDeps): void {
  const sessions = program
    .command('sessions')
    .description('what was run: list, show, replay, export, verify, keep and forget')
    .addHelpText(
      'after',
      '\nAn ID may be the beginning of one, or "last". Times are ISO 8601, or ages such as 2h or 7d.',
    );
  registerList(sessions, cli, deps);
  registerShow(sessions, cli, deps);
  registerReplay(sessions, cli, deps);
  registerExport(sessions, cli, deps);
  registerVerify(sessions, cli, deps);
  registerRetention(sessions, cli, deps);
  registerHolds(sessions, cli);
  registerUndo(sessions, cli);
}

import type { EngineSettings, ObjectToStage, SyncEngine } from './engine.ts';
import type { StoreCapabilities } from './ports.ts';
import type { Removal, RetentionConfig } from './retention.ts';
import type { TargetConfig } from './targets/config.ts';

export interface WorkerSetup {
  home: string;
  recordingsDir: string;
}

/** Under which the outbox keeps how much of the device's log an organisation's store was given. */
export const logSizeKey = (org: string): string => `log-size/${org}`;

/** What the worker does for the main thread. */
export interface SyncWork {
  configure(settings: EngineSettings, target: TargetConfig | null): Promise<void>;
  sealed(sid: string, closed: boolean): Promise<void>;
  discover(): Promise<void>;
  stage(lane: 'log' | 'document', objects: ObjectToStage[], meta: Record<string, string>): void;
  logState(org: string): { size: number; waiting: number };
  now(): void;
  status(): ReturnType<SyncEngine['status']>;
  /** Tries a store that is not in use yet; `setUp` makes the place known as one first. */
  probe(target: TargetConfig, setUp: boolean): Promise<StoreCapabilities>;
  /** Trust notes of the store, those of `from` and later. */
  trustNotes(org: string, from: number): Promise<Uint8Array[]>;
  /** What the rules and the budget say should go. */
  plan(config: RetentionConfig, held: string[]): { removals: Removal[]; over: number };
  find(sid: string): Promise<{ folder: string; connection: string; ended: boolean; synced: boolean } | null>;
  removed(sid: string): void;
  close(): Promise<void>;
}

export type Method = keyof SyncWork;

export type ToWorker =
  | { id: number; method: Method; args: unknown[] }
  | { secret: number; value: string | null }
  | { secret: number; error: { code: string; message: string } };

export type FromWorker =
  | { id: number; value: unknown }
  | { id: number; error: { code: string; message: string } }
  | { wanted: string; secret: number }
  | { problem: string };

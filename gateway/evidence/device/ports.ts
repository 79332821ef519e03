import type { TrustNote } from '../format/documents.ts';
import type { NewLogEntry } from '../format/log-entries.ts';

/** The device's log as other parts see it: they append, and they publish what is signed. SPEC.md "Device log". */
export interface DeviceLog {
  /** ULID, kept for the life of the installation. */
  readonly device: string;
  /** null while the device belongs to no organisation; then there is nothing to publish. */
  readonly org: string | null;
  /** Entries that are on disk and covered by the newest checkpoint. */
  readonly size: number;
  /** The newest one; null before the first entry. */
  readonly checkpoint: LogCheckpoint | null;
  /** null while it works; a sentence once it does not, and then nothing is forwarded. */
  readonly problem: string | null;
  /**
   * Resolves when the entry is on disk and a signed checkpoint covers it.
   * Throws CountersignError DEVICE_LOG_FAILED, DEVICE_LOG_ENTRY_TOO_LARGE.
   */
  append(entry: NewLogEntry): Promise<void>;
  /** Called after each new checkpoint. Returns the unsubscription. */
  onCheckpoint(listener: (checkpoint: LogCheckpoint) => void): () => void;
  /**
   * Names below `<org>/<device>/log/` that a checkpoint of `size` needs and one of `since` did not:
   * hash tiles and entry bundles, partial ones included, in the order in which they have to be there.
   */
  tiles(since: number, size: number): string[];
  /** Bytes of a tile that `tiles` named; derived from the entries, so any published size can be had again. */
  readTile(name: string): Promise<Uint8Array>;
  /** RFC 9162 section 2.1.4 consistency proof between two sizes, at most `size`. */
  consistency(from: number, to: number): Promise<Uint8Array[]>;
  /** Entries as written, from index `from`. */
  entries(from: number, until?: number): AsyncIterable<Uint8Array>;
}

export interface LogCheckpoint {
  size: number;
  /** 32 bytes. */
  root: Uint8Array;
  /** The whole signed note, the object `checkpoint.<size>`. */
  note: Uint8Array;
}

/** What the device knows of its organisation, and what it publishes about itself. */
export interface DeviceIdentity {
  readonly device: string;
  readonly org: string | null;
  readonly vkey: string;
  readonly name: string;
  readonly account: string;
  /** The newest trust note that was verified and taken up. */
  readonly trust: TrustNote | null;
  /** Objects below `<org>/<device>/identity/`: enrolments, bindings, key changes. */
  identityObjects(): Promise<{ name: string; bytes: Uint8Array }[]>;
  /** Called when the organisation, the key or the trust note changed. Returns the unsubscription. */
  onChanged(listener: () => void): () => void;
  /**
   * Takes up signed trust notes found in a store, in any order; those that are known or older are passed over.
   * Throws CountersignError TRUST_NOTE_REFUSED, and then none of them counts.
   */
  takeTrust(notes: readonly Uint8Array[]): Promise<void>;
}

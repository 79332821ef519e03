/** A store that the team runs. Evidence is only ever created; see gateway/evidence/SPEC.md for the names of objects. */
export interface StoreTarget {
  /** For people: kind, host, folder or bucket; never a secret. */
  readonly description: string;
  /** What was found out about the store by trying, not by believing; null until probe() ran. */
  readonly capabilities: StoreCapabilities | null;
  probe(signal: AbortSignal): Promise<StoreCapabilities>;
  /** Once, by a person: makes the place known as the store (`countersign-store.json`), without which a folder counts as unmounted. */
  setUp(signal: AbortSignal): Promise<void>;
  /**
   * Writes an object whole or not at all as far as the store allows, and resolves when the store has confirmed it.
   * `exists`: there is one of this name with these very bytes (by its length where the store lets nobody read), and nothing was
   * changed. Throws CountersignError: SYNC_UNREACHABLE (try again later), SYNC_REFUSED (credentials, permissions, host key: a
   * person has to act), SYNC_FULL, SYNC_INTERRUPTED (something else is under this very name, such as the torso of an upload:
   * write it again under the next name), SYNC_BODY_CHANGED, SYNC_BAD_NAME.
   */
  create(name: string, body: ObjectBody, signal: AbortSignal): Promise<'created' | 'exists'>;
  /**
   * Bytes of an object, or of one version of it as list() names them; null when there is none. Throws SYNC_WRITE_ONLY where the
   * store lets nobody read. The bytes have to be read to their end, or their iterator returned.
   */
  read(name: string, signal: AbortSignal, version?: string | null): Promise<AsyncIterable<Uint8Array> | null>;
  /** Every object below `prefix`, in the order of names; several versions of a name are listed each, and deletions where the store keeps them. Throws SYNC_WRITE_ONLY. @param after only names behind it in that order; need not be an object's. */
  list(prefix: string, signal: AbortSignal, after?: string): AsyncIterable<StoreObject>;
  /**
   * Takes an object away, for the mailbox (gateway/mailbox), whose objects end; evidence is never removed. What is not there is
   * no error. Throws SYNC_UNREACHABLE, SYNC_REFUSED.
   */
  remove(name: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface ObjectBody {
  size: number;
  /** SHA-256 of the bytes, 32 bytes. */
  sha256: Uint8Array;
  /** May be called again for another attempt. */
  open(): AsyncIterable<Uint8Array>;
}

export interface StoreObject {
  /** `/` between folders, relative to the store's root. */
  name: string;
  size: number;
  /** Where the store keeps several of one name; null elsewhere. */
  version: string | null;
  /** Somebody deleted what is under this name; the store tells of it and keeps what was there, as versions. */
  deleted?: true;
}

export interface StoreCapabilities {
  read: boolean;
  list: boolean;
  /** An existing object cannot be overwritten with these credentials (tried on a probe object). create() never tries to. */
  refusesOverwrite: boolean;
  /** Where it is overwritten or deleted all the same, what was there before stays, as a version of its own. */
  keepsVersions: boolean;
  /** An existing object cannot be deleted with these credentials (tried on a probe object). */
  refusesDelete: boolean;
  /** Object Lock or the like, in words: what was tried and what the store did. */
  sentences: string[];
}

import type { SessionName } from '../ports.ts';

/**
 * What the session's role and search path are, as far as the wire shows: they are part of what an
 * approval is bound to. Where a rollback may have undone a change, the value becomes a name of its
 * own that nothing else equals, so that no approval or grant given under another value matches.
 */
export class TrackedSettings {
  role: string;
  searchPath: string;
  readonly #loginRole: string;
  readonly #startPath: string;
  /** The server reports search_path itself (PostgreSQL 18 and later). */
  #pathReported = false;
  #uncertainRole = false;
  #uncertainPath = false;
  #unknowns = 0;

  constructor(role: string, searchPath: string | undefined) {
    this.role = role;
    this.#loginRole = role;
    this.#startPath = searchPath ?? '"$user", public';
    this.searchPath = this.#startPath;
    this.#pathReported = searchPath !== undefined;
  }

  /** ParameterStatus of the server. */
  reported(name: string, value: string): void {
    if (name === 'search_path') {
      this.#pathReported = true;
      this.searchPath = value;
    }
  }

  /** A statement that sets something was carried out; `inTransaction`: a rollback may undo it. */
  applied(change: Extract<SessionName, { kind: 'set' }>, inTransaction: boolean): void {
    const uncertain = inTransaction || change.local;
    switch (change.setting.toLowerCase()) {
      case 'role':
      case 'session_authorization':
        this.role = change.value ?? this.#loginRole;
        if (change.value === null && change.setting !== 'role') this.role = this.#loginRole;
        this.#uncertainRole ||= uncertain;
        break;
      case 'search_path':
        if (this.#pathReported) break;
        this.searchPath = change.value ?? this.#startPath;
        this.#uncertainPath ||= uncertain;
        break;
      case 'all':
        this.role = this.#unknown();
        if (!this.#pathReported) this.searchPath = this.#startPath;
        break;
    }
  }

  /** A statement that set something failed, or only part of its message ran. */
  failed(): void {
    this.#uncertainRole = true;
    this.#uncertainPath = true;
  }

  /** The server is idle again: a transaction ended. */
  transactionEnded(): void {
    if (this.#uncertainRole) this.role = this.#unknown();
    if (this.#uncertainPath && !this.#pathReported) this.searchPath = this.#unknown();
    this.#uncertainRole = false;
    this.#uncertainPath = false;
  }

  #unknown(): string {
    return `unknown (${++this.#unknowns})`;
  }
}

import type { DeriverSnapshot, PortalState, PreparedText } from './types.ts';

const MAX_NAMES = 10_000;
/** Characters of statement texts and parameters that are kept for later exchanges. */
const MAX_KEPT_CHARS = 64 * 1024 * 1024;

/** The session's prepared statements and portals; the oldest are forgotten above the limits. */
export class SessionNames {
  readonly statements = new Map<string, PreparedText>();
  readonly portals = new Map<string, PortalState>();
  #chars = 0;

  setStatement(name: string, statement: PreparedText): void {
    this.dropStatement(name);
    this.statements.set(name, statement);
    this.#chars += statement.text.length;
    this.#trim();
  }

  setPortal(name: string, portal: PortalState): void {
    this.dropPortal(name);
    this.portals.set(name, portal);
    this.#chars += portalChars(portal);
    this.#trim();
  }

  dropStatement(name: string): void {
    const known = this.statements.get(name);
    if (!known) return;
    this.#chars -= known.text.length;
    this.statements.delete(name);
  }

  dropPortal(name: string): void {
    const known = this.portals.get(name);
    if (!known) return;
    this.#chars -= portalChars(known);
    this.portals.delete(name);
  }

  dropPortals(): void {
    for (const name of [...this.portals.keys()]) this.dropPortal(name);
  }

  dropStatements(): void {
    for (const name of [...this.statements.keys()]) this.dropStatement(name);
  }

  snapshot(): DeriverSnapshot {
    return { statements: [...this.statements], portals: [...this.portals] };
  }

  restore(snapshot: DeriverSnapshot): void {
    this.dropStatements();
    this.dropPortals();
    for (const [name, statement] of snapshot.statements) this.setStatement(name, statement);
    for (const [name, portal] of snapshot.portals) this.setPortal(name, portal);
  }

  #trim(): void {
    while (this.portals.size > MAX_NAMES || (this.#chars > MAX_KEPT_CHARS && this.portals.size > 1)) {
      this.dropPortal(this.portals.keys().next().value!);
    }
    while (this.statements.size > MAX_NAMES || (this.#chars > MAX_KEPT_CHARS && this.statements.size > 1)) {
      this.dropStatement(this.statements.keys().next().value!);
    }
  }
}

function portalChars(portal: PortalState): number {
  return portal.parameters.reduce((sum, value) => sum + (value?.length ?? 0), 0) + 16;
}

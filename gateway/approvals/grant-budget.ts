import type { Grant } from '../contract/decision.ts';

/**
 * Is there enough left for one more?
 * @param reserved rows of those that were let through and have not ended yet.
 * @param rows null: not known.
 */
export function fits({ budget, uses, rows: spent = 0 }: Grant, reserved: number, rows: number | null): boolean {
  if (budget === undefined) return true;
  if (budget.uses !== undefined && uses + 1 >= budget.uses) return false;
  if (budget.rowsEach === undefined && budget.rows === undefined) return true;
  if (rows === null) return false;
  return (
    rows <= (budget.rowsEach ?? Number.POSITIVE_INFINITY) &&
    spent + reserved + rows <= (budget.rows ?? Number.POSITIVE_INFINITY) &&
    spent + reserved < (budget.rows ?? Number.POSITIVE_INFINITY)
  );
}

/**
 * Rows that were let through and not told of yet, by grant. Several sessions end theirs in any order, and nobody says
 * which: the smallest is taken to have ended, so never less is kept than is still to come.
 */
export class GrantSpending {
  readonly #waiting = new Map<string, number[]>();

  reserved(id: string): number {
    return (this.#waiting.get(id) ?? []).reduce((sum, rows) => sum + rows, 0);
  }

  reserve({ id, budget }: Grant, rows: number | null): void {
    if (budget?.rows === undefined) return;
    const all = this.#waiting.get(id) ?? [];
    all.push(rows ?? 0);
    this.#waiting.set(id, all);
  }

  release(id: string): void {
    const all = this.#waiting.get(id);
    if (all === undefined || all.length === 0) return;
    all.splice(all.indexOf(Math.min(...all)), 1);
  }

  forget(id: string): void {
    this.#waiting.delete(id);
  }
}

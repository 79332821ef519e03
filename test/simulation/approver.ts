import { BRIEFS, type Item } from './briefs.ts';
import type { WeekOperation } from './operation.ts';

export interface Answer {
  decision: 'approve' | 'deny';
  item: Item | null;
}

/** The person, for one week in its order: the rows of what was agreed to are counted by conversation. */
export class Approver {
  readonly #rows = new Map<string, number>();

  answer(operation: WeekOperation): Answer {
    for (const item of BRIEFS[operation.conversation] ?? []) {
      if (item.matches(operation) === null) continue;
      const rows = operation.by === 'sql' ? operation.rows : 0;
      const key = `${operation.conversation} ${item.name}`;
      const all = (this.#rows.get(key) ?? 0) + rows;
      if (rows > (item.rowsEach ?? Infinity) || all > (item.rows ?? Infinity)) break;
      this.#rows.set(key, all);
      return { decision: 'approve', item };
    }
    return { decision: 'deny', item: null };
  }
}

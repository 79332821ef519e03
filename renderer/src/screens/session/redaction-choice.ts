import { createContext, useContext } from 'react';
import type { RedactionChoice } from '../../../../gateway/contract/audit.ts';

/** One thing that was chosen to be taken out. */
export type Pick =
  | { kind: 'value'; value: string }
  | { kind: 'column'; column: string }
  | { kind: 'entity'; entity: RedactionChoice['entities'][number] }
  | { kind: 'statement' | 'result' | 'parameters'; index: number };

/** Shorter values stand everywhere by chance; the gateway refuses them. */
export const SHORTEST_VALUE = 3;

export function keyOf(pick: Pick): string {
  switch (pick.kind) {
    case 'value':
      return `value ${pick.value}`;
    case 'column':
      return `column ${pick.column}`;
    case 'entity':
      return `entity ${pick.entity}`;
    default:
      return `${pick.kind} ${pick.index}`;
  }
}

export function choiceOf(picks: readonly Pick[]): RedactionChoice {
  const choice: RedactionChoice = {
    values: [],
    columns: [],
    entities: [],
    statements: [],
    results: [],
    parameters: [],
  };
  for (const pick of picks) {
    if (pick.kind === 'value') choice.values.push(pick.value);
    else if (pick.kind === 'column') choice.columns.push({ table: null, column: pick.column });
    else if (pick.kind === 'entity') choice.entities.push(pick.entity);
    else if (pick.kind === 'statement') choice.statements.push(pick.index);
    else if (pick.kind === 'result') choice.results.push(pick.index);
    else choice.parameters.push(pick.index);
  }
  return choice;
}

export interface Redacting {
  picks: readonly Pick[];
  has(pick: Pick): boolean;
  /** Takes it up, or lets go of it. */
  toggle(pick: Pick): void;
}

/** null: nothing is being redacted, so nothing on the page can be chosen. */
export const RedactingContext = createContext<Redacting | null>(null);
export const useRedacting = (): Redacting | null => useContext(RedactingContext);

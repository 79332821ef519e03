import type { RowsPreview } from '../../../contract/preview.ts';
import type { HeldStatement } from '../relay/own-lane.ts';
import type { Change, Value } from './change.ts';

const MAX_SHOWN = 10;
const MAX_CELL = 200;

/** What an INSERT's own VALUES say, where it cannot be run to look; nothing of others. */
export function statementRows(change: Change, { operation }: HeldStatement): Partial<RowsPreview> {
  const { values, columns } = change;
  if (values === null || columns.length === 0 || columns.length > 40 || change.onConflict) return {};
  const shown = (value: Value): string | null => {
    switch (value.kind) {
      case 'constant':
        return value.value;
      case 'parameter': {
        const parameter = operation.parameters[value.number - 1];
        if (!parameter || parameter.value === null) return null;
        return parameter.format === 'text' ? decode(parameter.value) : `$${value.number}`;
      }
      case 'default':
        return 'DEFAULT';
      case 'computed':
        return '…';
    }
  };
  return {
    basis: 'statement',
    rows: values.length,
    columns: columns.map((name) => name.slice(0, 100)),
    sample: values.slice(0, MAX_SHOWN).map((row) => ({
      before: null,
      after: row.slice(0, columns.length).map((value) => shown(value)?.slice(0, MAX_CELL) ?? null),
    })),
  };
}

function decode(base64: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
}

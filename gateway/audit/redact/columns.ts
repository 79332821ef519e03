import type { Effects } from '../../contract/operation.ts';
import { textClassifier } from '../text-classifier.ts';

/** `table` null: any. Names as the catalog has them. */
export interface ColumnChoice {
  table: string | null;
  column: string;
}

/** How a statement has to do with a chosen column. */
export type Touch = 'no' | 'result' | 'all';

export interface ColumnReader {
  /** `all`: values of the column may stand in the request as well. What cannot be understood is taken for it. */
  touch(text: string): { touch: Touch; understood: boolean };
  close(): Promise<void>;
}

/** Commands whose text or data hold values of columns that they do not name. */
const GIVES_VALUES = /^(INSERT|MERGE|COPY)\b/;

/** What a statement returns is written elsewhere: in a cursor, a prepared statement, a function. */
const isOpaque = ({ class: kind, flags }: Effects): boolean =>
  kind === 'unknown' || kind === 'execute' || flags.includes('cursor') || flags.includes('prepared');

export async function columnReader(choices: readonly ColumnChoice[]): Promise<ColumnReader> {
  const classifier = await textClassifier();
  return {
    touch(text) {
      const effects = classifier.classify(text);
      if (isOpaque(effects)) return { touch: 'all', understood: false };
      let touch: Touch = 'no';
      for (const { table, column } of choices) {
        const of = (name: string) => table === null || name === table;
        const named = ({ name, columns }: { name: string; columns: string[] }) => of(name) && columns.includes(column);
        const starred = ({ name, columns }: { name: string; columns: string[] }) =>
          table !== null && of(name) && columns.includes('*');
        const given = effects.ops.some((op) => GIVES_VALUES.test(op)) && effects.writes.some(starred);
        if (given || effects.reads.some(named) || effects.writes.some(named)) return { touch: 'all', understood: true };
        if (effects.reads.some(starred) || effects.writes.some(starred)) touch = 'result';
      }
      return { touch, understood: true };
    },
    close: () => classifier.close(),
  };
}

import { count, plural } from '../text/format.ts';

const WHAT = {
  exact: (rows: number, time: string) => `${plural(rows, 'row')}, exact at ${time}`,
  estimate: (rows: number) => `about ${plural(rows, 'row')}, the planner’s estimate`,
  statement: (rows: number) => `${plural(rows, 'row')}, as the statement itself says`,
};

export const statementPreviewStrings = {
  statementPreview: {
    title: 'What it would change',
    loading: 'Looking…',
    nothing: 'It is not known.',
    what: WHAT,
    shown: (rows: number, all: number | null) =>
      all !== null && all > rows ? `The first ${count(rows)} of ${count(all)} rows` : plural(rows, 'row'),
    before: 'before',
    after: 'after',
    inserted: 'new',
    deleted: 'goes',
    key: 'primary key',
    null: 'NULL',
    undo: 'Undo',
  },
};

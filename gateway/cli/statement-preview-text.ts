import type { Approval } from '../contract/decision.ts';
import type { Preview, RowsPreview } from '../contract/preview.ts';
import { commandPreviewLines } from './preview-text.ts';
import { oneLine } from './visible-text.ts';

const SHOWN = 3;

/** What a request would touch, for a terminal; nothing where nobody looked. */
export function previewLines({ preview, estimatedRows }: Pick<Approval, 'preview' | 'estimatedRows'>): string[] {
  if (preview === undefined) return [];
  return ['', ...linesOf(preview, estimatedRows), ''];
}

function linesOf(preview: Preview, estimated: number | null): string[] {
  switch (preview.kind) {
    case 'command':
      return commandPreviewLines(preview);
    case 'objects':
      return [
        ...(preview.why === null ? [] : [`  ? ${oneLine(preview.why, 300)}`]),
        ...commandPreviewLines({ ...preview, kind: 'command' }),
      ];
    case 'rows':
      return rowsLines(preview, estimated);
  }
}

function rowsLines(preview: RowsPreview, estimated: number | null): string[] {
  const { state, columns, sample, also, why } = preview;
  if (state === 'loading') return ['  What it would change (still looking)'];
  const cells = (row: readonly (string | null)[] | null) =>
    row === null
      ? null
      : oneLine(columns.map((name, i) => `${name}=${row[i] === null ? 'NULL' : row[i]}`).join(' '), 160);
  const rows = sample
    .slice(0, SHOWN)
    .flatMap(({ before, after }) => [
      ...(before === null ? [] : [`    - ${cells(before)}`]),
      ...(after === null ? [] : [`    + ${cells(after)}`]),
    ]);
  return [
    `  ${headline(preview, estimated)}`,
    ...(why === null ? [] : [`  ${oneLine(why, 300)}`]),
    ...also.map((sentence) => `  ! ${oneLine(sentence, 300)}`),
    ...rows,
    ...(sample.length > SHOWN ? ['    …'] : []),
  ];
}

function headline({ basis, rows, at }: RowsPreview, estimated: number | null): string {
  const known = rows ?? (basis === 'estimate' && estimated !== null ? Math.round(estimated) : null);
  if (basis === 'none' || known === null) return 'What it would change is not known.';
  const many = `${known} row${known === 1 ? '' : 's'}`;
  if (basis === 'statement') return `Changes ${many}, as the statement itself says`;
  return basis === 'exact' ? `Changes ${many}, exact at ${at}` : `Changes about ${many}, the planner’s estimate`;
}

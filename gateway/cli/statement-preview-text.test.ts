import { describe, expect, it } from 'vitest';
import type { RowsPreview } from '../contract/preview.ts';
import { previewLines } from './statement-preview-text.ts';

const rows = (part: Partial<RowsPreview>): RowsPreview => ({
  kind: 'rows',
  state: 'done',
  basis: 'exact',
  at: '2026-01-05T10:00:00.000Z',
  table: 'public.t',
  rows: 1,
  why: null,
  columns: ['id', 'v'],
  key: [0],
  sample: [{ before: ['1', null], after: ['1', 'b\u001b[31m'] }],
  also: [],
  undo: null,
  ...part,
});

describe('a preview on a terminal', () => {
  it('shows rows before and after, and no escape of theirs', () => {
    const lines = previewLines({ preview: rows({}), estimatedRows: null });
    expect(lines.slice(0, 3)).toEqual(['', '  Changes 1 row, exact at 2026-01-05T10:00:00.000Z', '    - id=1 v=NULL']);
    expect(lines.join('')).not.toContain('\u001b');
  });

  it('says that an estimate is one, and why', () => {
    const preview = rows({ basis: 'estimate', rows: null, sample: [], why: 'It calls tell().' });
    expect(previewLines({ preview, estimatedRows: 7.4 })).toEqual([
      '',
      '  Changes about 7 rows, the planner’s estimate',
      '  It calls tell().',
      '',
    ]);
  });

  it('is nothing where nobody looked, and says while somebody does', () => {
    expect(previewLines({ estimatedRows: 3 })).toEqual([]);
    expect(previewLines({ preview: rows({ state: 'loading' }), estimatedRows: null })[1]).toContain('still looking');
  });
});

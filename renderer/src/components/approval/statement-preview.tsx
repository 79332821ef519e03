import { Fragment } from 'react';
import type { Approval } from '../../../../gateway/contract/decision.ts';
import type { RowsPreview } from '../../../../gateway/contract/preview.ts';
import { strings } from '../../strings.ts';
import { Fact } from '../page.tsx';
import { Visible } from '../visible.tsx';
import classes from './statement-preview.module.css';

const t = strings.statementPreview;

type Sample = RowsPreview['sample'][number];
type Cells = Sample['before'];

const timeOf = (iso: string) => new Date(iso).toLocaleTimeString('sv-SE');

function headline({ basis, rows, at }: RowsPreview, estimated: number | null): string | null {
  const known = rows ?? (basis === 'estimate' && estimated !== null ? Math.round(estimated) : null);
  if (known === null || basis === 'none') return null;
  return basis === 'exact' ? t.what.exact(known, at === null ? '' : timeOf(at)) : t.what[basis](known);
}

function Row({ cells, other, word }: { cells: readonly (string | null)[]; other: Cells; word: string }) {
  return (
    <tr data-change={word}>
      <th scope="row">{word}</th>
      {cells.map((value, index) => {
        const changed = other !== null && other[index] !== value;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its column.
          <td key={index} data-changed={changed || undefined}>
            {value === null ? (
              <em>{t.null}</em>
            ) : changed ? (
              <strong>
                <Visible>{value}</Visible>
              </strong>
            ) : (
              <Visible>{value}</Visible>
            )}
          </td>
        );
      })}
    </tr>
  );
}

function Rows({ preview: { columns, key, sample, rows } }: { preview: RowsPreview }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it.
    <section className={classes.rows} aria-label={t.shown(sample.length, rows)} tabIndex={0}>
      <table>
        <caption>{t.shown(sample.length, rows)}</caption>
        <thead>
          <tr>
            <td />
            {columns.map((name, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a column is its position.
              <th key={index} scope="col" title={key.includes(index) ? t.key : undefined}>
                <Visible>{name}</Visible>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sample.map(({ before, after }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a row has no name.
            <Fragment key={index}>
              {before !== null && <Row cells={before} other={after} word={after === null ? t.deleted : t.before} />}
              {after !== null && <Row cells={after} other={before} word={before === null ? t.inserted : t.after} />}
            </Fragment>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** What a change of rows would do, as it was when it was looked at. It comes after the card. */
export function StatementPreview({ approval, preview }: { approval: Approval; preview: RowsPreview }) {
  const line = headline(preview, approval.estimatedRows);
  return (
    <Fact name={t.title}>
      <div className={classes.preview} data-preview={preview.state} aria-live="polite">
        {preview.state === 'loading' ? (
          <span className={classes.quiet}>{t.loading}</span>
        ) : (
          <strong>{line ?? (preview.why === null ? t.nothing : null)}</strong>
        )}
        {preview.why !== null && (
          <span className={classes.quiet}>
            <Visible>{preview.why}</Visible>
          </span>
        )}
        {preview.also.map((sentence) => (
          <span key={sentence}>
            <Visible>{sentence}</Visible>
          </span>
        ))}
        {preview.sample.length > 0 && preview.columns.length > 0 && <Rows preview={preview} />}
        {preview.undo !== null && (
          <span className={classes.quiet}>
            {t.undo}: <Visible>{preview.undo.sentence}</Visible>
          </span>
        )}
      </div>
    </Fact>
  );
}

import { memo, useEffect } from 'react';
import type { Statement } from '../../../../gateway/contract/session.ts';
import { useRows } from '../../components/use-rows.ts';
import { strings } from '../../strings.ts';
import { plural, span } from '../../text/format.ts';
import type { Painter } from './painters/painter.ts';
import { VerdictIcon } from './statement-verdict.tsx';
import classes from './statements-list.module.css';

const t = strings.session;
const ROW_HEIGHT = 54;

const Row = memo(function Row({
  Line,
  statement,
  current,
  damaged,
  choose,
}: {
  Line: Painter['Line'];
  statement: Statement;
  current: boolean;
  damaged: boolean;
  choose(index: number): void;
}) {
  const failed = statement.error !== null && statement.verdict === 'allowed';
  return (
    <button
      type="button"
      className={classes.row}
      aria-current={current}
      onClick={() => choose(statement.index)}
      data-index={statement.index}
    >
      <span className={classes.number}>{statement.index + 1}</span>
      <span className={classes.icon}>
        <VerdictIcon statement={statement} />
      </span>
      <span className={classes.text}>
        <Line statement={statement} />
        <span className={classes.meta}>
          <span>
            {damaged
              ? t.damagedShort
              : failed
                ? `${t.error} ${statement.error?.sqlstate}`
                : t.verdicts[statement.verdict]}
          </span>
          <span>{plural(statement.rows, 'row')}</span>
          <span>{span(statement.durationMs - statement.heldMs)}</span>
          {statement.heldMs > 0 && <span>{t.held(span(statement.heldMs))}</span>}
        </span>
      </span>
    </button>
  );
});

interface Props {
  Line: Painter['Line'];
  total: number;
  at(index: number): Statement | null;
  want(first: number, last: number): void;
  currentIndex: number | null;
  isDamaged(exchange: number): boolean;
  choose(index: number): void;
  /** The list keeps the current statement in view (while playing, and after steps). */
  follow: boolean;
}

export const StatementsList = memo(function StatementsList(props: Props) {
  const { Line, total, at, want, currentIndex, isDamaged, choose, follow } = props;
  const { scroller, height, rows, first, last, show } = useRows({ count: total, rowHeight: ROW_HEIGHT });
  useEffect(() => want(first, last), [want, first, last]);
  useEffect(() => {
    if (follow && currentIndex !== null) show(currentIndex);
  }, [follow, currentIndex, show]);

  return (
    <div ref={scroller} className={classes.scroller}>
      <ol className={classes.list} style={{ height }} aria-label={t.statements}>
        {rows.map(({ index, top }) => {
          const statement = at(index);
          return (
            <li
              key={index}
              className={classes.item}
              style={{ height: ROW_HEIGHT, transform: `translateY(${top}px)` }}
              aria-setsize={total}
              aria-posinset={index + 1}
            >
              {statement === null ? (
                <span className={classes.blank}>{index + 1}</span>
              ) : (
                <Row
                  Line={Line}
                  statement={statement}
                  current={statement.index === currentIndex}
                  damaged={isDamaged(statement.exchange)}
                  choose={choose}
                />
              )}
            </li>
          );
        })}
      </ol>
    </div>
  );
});

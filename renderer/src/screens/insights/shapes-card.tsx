import { Button, Loader, SegmentedControl } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { InsightShape, InsightShapesInput } from '../../../../gateway/contract/insights.ts';
import { useApi } from '../../api/queries.ts';
import { Card, Failure } from '../../components/page.tsx';
import { Sql } from '../../components/sql.tsx';
import { Notice } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';
import { count, span } from '../../text/format.ts';
import classes from './insights-screen.module.css';

const t = strings.insights;
const FIRST = 10;
const MOST = 100;

function Row({ shape, order }: { shape: InsightShape; order: InsightShapesInput['order'] }) {
  const figure =
    order === 'asked' ? count(shape.asked) : order === 'slowest' ? span(shape.slowestMs) : count(shape.count);
  return (
    <li className={classes.shape}>
      <span className={classes.figure}>{figure}</span>
      <span className={classes.what}>
        {shape.shape === '' ? <em>{t.unnamed}</em> : <Sql text={shape.shape} line />}
        <span className={classes.facts}>
          <span>
            {t.times} {count(shape.count)}
          </span>
          {shape.asked > 0 && <span className={classes.asked}>{t.approvedOf(shape.approved, shape.asked)}</span>}
          {shape.denied > 0 && <span className={classes.denied}>{t.deniedTimes(shape.denied)}</span>}
          {shape.errors > shape.denied && <span className={classes.denied}>{t.failedTimes(shape.errors)}</span>}
          <span>
            {t.mean} {span(shape.meanMs)}
          </span>
          {order !== 'slowest' && (
            <span>
              {t.slowest} {span(shape.slowestMs)}
            </span>
          )}
          <span>{t.sessions(shape.sessions)}</span>
          <Link to="/sessions/$id" params={{ id: shape.sessionId }} search={{ at: shape.index }}>
            {t.showSlowest}
          </Link>
        </span>
      </span>
    </li>
  );
}

interface Props {
  days: number;
  connectionId: string | undefined;
  order: InsightShapesInput['order'];
  change(order: InsightShapesInput['order']): void;
}

/** Statements by shape: what a person is asked about most, what is slow, what is run again and again. */
export function ShapesCard({ days, connectionId, order, change }: Props) {
  const [limit, setLimit] = useState(FIRST);
  const input = { days, order, limit, ...(connectionId === undefined ? {} : { connectionId }) };
  const query = useApi('insightShapes', input, { keepPrevious: true });
  const items = query.data?.items ?? [];
  return (
    <Card label={t.statements}>
      <div className={classes.cardHead}>
        <div>
          <h2 className={classes.title}>{t.statements}</h2>
          <p className={classes.muted}>{t.statementsLead}</p>
        </div>
        <SegmentedControl
          size="xs"
          aria-label={t.order}
          value={order}
          onChange={(value) => {
            setLimit(FIRST);
            change(value as InsightShapesInput['order']);
          }}
          data={Object.entries(t.orders).map(([value, label]) => ({ value, label }))}
        />
      </div>
      {query.error !== null && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.isPending && <Loader size="sm" />}
      {query.data?.more === true && <Notice tone="info">{t.more}</Notice>}
      {query.isSuccess && items.length === 0 && <p className={classes.muted}>{t.emptyShapes[order]}</p>}
      <ol className={classes.shapes} data-stale={query.isPlaceholderData}>
        {items.map((shape) => (
          <Row key={shape.shape} shape={shape} order={order} />
        ))}
      </ol>
      {items.length === limit && limit < MOST && (
        <Button variant="subtle" size="compact-sm" onClick={() => setLimit(Math.min(MOST, limit + 30))}>
          {t.readMore}
        </Button>
      )}
    </Card>
  );
}

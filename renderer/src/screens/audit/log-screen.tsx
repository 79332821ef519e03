import { Loader } from '@mantine/core';
import type { LoggedAction } from '../../../../gateway/contract/audit.ts';
import { Failure, Page } from '../../components/page.tsx';
import { useNow } from '../../components/use-now.ts';
import { VirtualList } from '../../components/virtual-list.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { timeOfDay } from '../../text/format.ts';
import { visibleString } from '../../text/visible-text.ts';
import shared from './audit.module.css';
import classes from './log-screen.module.css';
import { usePages } from './use-pages.ts';

const t = strings.audit.log;
const ROW_HEIGHT = 52;

function Row({ item, now }: { item: LoggedAction; now: number }) {
  return (
    <div className={classes.row}>
      <span className={classes.sentence} title={visibleString(item.sentence)}>
        <Visible>{item.sentence}</Visible>
      </span>
      <span className={shared.muted}>
        {timeOfDay(item.at, now)} · <Visible>{item.by}</Visible>
      </span>
    </div>
  );
}

/** What the auditor did, the newest first. */
export function LogScreen() {
  const now = useNow(60_000);
  const { query, items, total, more } = usePages('auditTrail', {});
  return (
    <Page title={t.title} lead={t.lead} fill>
      <span className={shared.muted}>{query.isSuccess ? t.total(total) : strings.loading}</span>
      {query.error !== null && <Failure error={query.error} retry={() => void query.refetch()} />}
      <VirtualList
        label={t.title}
        items={items}
        total={total}
        rowHeight={ROW_HEIGHT}
        keyOf={({ n }) => String(n)}
        more={more}
        row={(item) => <Row item={item} now={now} />}
      >
        {query.isPending && <Loader size="sm" m="md" />}
      </VirtualList>
    </Page>
  );
}

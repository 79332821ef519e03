import { ActionIcon, Loader, Text, UnstyledButton } from '@mantine/core';
import {
  IconChevronLeft,
  IconChevronRight,
  IconChevronsLeft,
  IconChevronsRight,
  IconEraser,
  IconEyeOff,
} from '@tabler/icons-react';
import { memo, useState } from 'react';
import type { ResultPage } from '../../../../gateway/contract/session.ts';
import { useApi } from '../../api/queries.ts';
import { Failure } from '../../components/page.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { count } from '../../text/format.ts';
import { visibleString } from '../../text/visible-text.ts';
import { SHORTEST_VALUE, useRedacting } from './redaction-choice.ts';
import classes from './result-table.module.css';

const t = strings.session;
const PAGE = 100;
const LONGEST_CELL = 2000;

const Cell = memo(function Cell({ value }: { value: string | null }) {
  if (value === null) return <em className={classes.null}>NULL</em>;
  const cut = value.length > LONGEST_CELL;
  return (
    <>
      <Visible>{cut ? value.slice(0, LONGEST_CELL) : value}</Visible>
      {cut && <em className={classes.null}> … {strings.text.truncated(value.length - LONGEST_CELL)}</em>}
    </>
  );
});

/** A value, which can be chosen to be taken out where a session is being redacted. */
function Value({ value }: { value: string | null }) {
  const redacting = useRedacting();
  if (redacting === null || value === null || value.length < SHORTEST_VALUE) return <Cell value={value} />;
  const pick = { kind: 'value', value } as const;
  return (
    <UnstyledButton
      className={classes.pick}
      aria-pressed={redacting.has(pick)}
      title={strings.audit.redact.takeValue}
      onClick={() => redacting.toggle(pick)}
    >
      <Cell value={value} />
    </UnstyledButton>
  );
}

function Heading({ name }: { name: string }) {
  const redacting = useRedacting();
  if (redacting === null) return <Visible>{name}</Visible>;
  const pick = { kind: 'column', column: name } as const;
  return (
    <UnstyledButton
      className={classes.pick}
      aria-pressed={redacting.has(pick)}
      aria-label={strings.audit.redact.takeColumn(visibleString(name))}
      onClick={() => redacting.toggle(pick)}
    >
      <IconEraser size={13} aria-hidden /> <Visible>{name}</Visible>
    </UnstyledButton>
  );
}

function Rows({ page }: { page: ResultPage }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section className={classes.scroller} aria-label={t.result} tabIndex={0}>
      <table className={classes.table}>
        <thead>
          <tr>
            {page.columns.map((column, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: columns may share a name; their place is their identity.
              <th key={index} scope="col" data-masked={column.masked}>
                <Heading name={column.name} />
                {column.masked && (
                  <span className={classes.masked}>
                    <IconEyeOff size={13} aria-hidden /> {t.maskedColumn}
                  </span>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {page.rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place in the result.
            <tr key={page.offset + index}>
              {row.map((value, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: as above.
                <td key={column} data-masked={page.columns[column]?.masked}>
                  <Value value={value} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The rows as the client saw them, a page at a time. */
export function ResultTable({ sessionId, index }: { sessionId: string; index: number }) {
  const [offset, setOffset] = useState(0);
  const query = useApi(
    'result',
    { id: sessionId, index, offset, limit: PAGE },
    { keepPrevious: true, staleTime: 60_000 },
  );
  if (query.isPending) return <Loader size="sm" />;
  if (query.data === undefined) return <Failure error={query.error} retry={() => void query.refetch()} />;
  const page = query.data;
  const lastOffset = Math.max(0, Math.ceil(page.total / PAGE) - 1) * PAGE;
  if (page.total === 0) return <Text c="dimmed">{page.columns.length === 0 ? t.resultNone : t.resultEmpty}</Text>;
  const go = (label: string, to: number, disabled: boolean, Icon: typeof IconChevronLeft) => (
    <ActionIcon variant="default" aria-label={label} disabled={disabled} onClick={() => setOffset(to)}>
      <Icon size={16} />
    </ActionIcon>
  );
  return (
    <div className={classes.result}>
      <Rows page={page} />
      <div className={classes.foot}>
        <span aria-live="polite">
          {t.resultRows(count(page.offset + 1), count(page.offset + page.rows.length), count(page.total))}
        </span>
        {page.total > PAGE && (
          <span className={classes.pager}>
            {go(t.firstPage, 0, offset === 0, IconChevronsLeft)}
            {go(t.previousPage, Math.max(0, offset - PAGE), offset === 0, IconChevronLeft)}
            {go(t.nextPage, offset + PAGE, offset >= lastOffset, IconChevronRight)}
            {go(t.lastPage, lastOffset, offset >= lastOffset, IconChevronsRight)}
          </span>
        )}
      </div>
    </div>
  );
}

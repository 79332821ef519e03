import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useRef } from 'react';
import classes from './virtual-list.module.css';

interface Props<T> {
  label: string;
  items: readonly T[];
  /** All there are, of which `items` are the first. */
  total: number;
  rowHeight: number;
  keyOf(item: T): string;
  /** Called when the end of `items` comes near. */
  more(): void;
  stale?: boolean;
  /** Shown in place of rows. */
  children?: ReactNode;
  row(item: T): ReactNode;
}

/** A long list that scrolls by itself; only what is seen is on the page. */
export function VirtualList<T>({
  label,
  items,
  total,
  rowHeight,
  keyOf,
  more,
  stale = false,
  children,
  row,
}: Props<T>) {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => keyOf(items[index]!),
    overscan: 12,
  });
  const virtual = rows.getVirtualItems();
  const last = virtual.at(-1)?.index ?? -1;
  useEffect(() => {
    if (items.length < total && last >= items.length - 20) more();
  }, [last, items.length, total, more]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls and has no link in it must be reachable by keyboard.
    <div ref={scroller} className={classes.scroller} data-stale={stale} tabIndex={0}>
      {children}
      <ul className={classes.list} style={{ height: rows.getTotalSize() }} aria-label={label}>
        {virtual.map((one) => (
          <li
            key={one.key}
            className={classes.item}
            style={{ height: one.size, transform: `translateY(${one.start}px)` }}
            aria-setsize={total}
            aria-posinset={one.index + 1}
          >
            {row(items[one.index]!)}
          </li>
        ))}
      </ul>
    </div>
  );
}

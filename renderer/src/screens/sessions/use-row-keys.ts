import { type KeyboardEvent, useCallback, useEffect, useRef, useState } from 'react';
import type { useRows } from '../../components/use-rows.ts';

/** How far a key goes in a list of `total` rows, of which `page` are seen; null: it is no key of a list. */
export function rowAfter(key: string, row: number, page: number, total: number): number | null {
  const to = {
    ArrowDown: row + 1,
    ArrowUp: row - 1,
    PageDown: row + page,
    PageUp: row - page,
    Home: 0,
    End: total - 1,
  }[key];
  return to === undefined ? null : Math.max(0, Math.min(total - 1, to));
}

/** Arrows, pages, Home and End go from row to row, Space looks into one. The rows hold a link each. */
export function useRowKeys(list: ReturnType<typeof useRows>, total: number, peek: (row: number) => void) {
  const { scroller, rows, show } = list;
  const [wanted, setWanted] = useState<number | null>(null);
  const held = useRef(peek);
  useEffect(() => {
    held.current = peek;
  });
  // The row may have to come first, and be filled after that.
  useEffect(() => {
    if (wanted === null) return;
    const link = scroller.current?.querySelector<HTMLElement>(`[data-row="${wanted}"] a`);
    if (!link) return;
    link.focus({ preventScroll: true });
    setWanted(null);
  });
  return useCallback(
    (event: KeyboardEvent<HTMLUListElement>) => {
      const row = (event.target as HTMLElement).closest<HTMLElement>('[data-row]')?.dataset.row;
      if (row === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === ' ') {
        event.preventDefault();
        held.current(Number(row));
        return;
      }
      const to = rowAfter(event.key, Number(row), Math.max(1, rows.length - 20), total);
      if (to === null) return;
      event.preventDefault();
      show(to);
      setWanted(to);
    },
    [rows.length, total, show],
  );
}

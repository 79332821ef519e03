import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { extentOf, inBox, type Place, scrolled, toShow } from './row-window.ts';

interface Options {
  count: number;
  /** Of every row (px). */
  rowHeight: number;
  overscan?: number;
}

interface Rows {
  scroller: RefObject<HTMLDivElement | null>;
  /** Of the box that holds the rows (px). */
  height: number;
  /** Those that are seen, and some around them; `top` in the box. */
  rows: readonly { index: number; top: number }[];
  first: number;
  last: number;
  show(index: number): void;
}

/** Which rows of a long list are on the page. Made for a million of them: row-window.ts. */
export function useRows({ count, rowHeight, overscan = 10 }: Options): Rows {
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState(0);
  const [place, setPlace] = useState<Place>({ top: 0, origin: 0 });
  const extent = useMemo(() => extentOf(count, rowHeight, view), [count, rowHeight, view]);
  const now = useRef({ place, extent, last: 0 });
  now.current.place = place;
  now.current.extent = extent;

  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const measure = () => setView(element.clientHeight);
    const onScroll = () => {
      const { scrollTop } = element;
      const { place: before, extent: whole, last } = now.current;
      const next = scrolled(whole, before, last, scrollTop);
      now.current.last = next.scrollTo ?? scrollTop;
      if (next.scrollTo !== null) element.scrollTop = next.scrollTo;
      if (next.top !== before.top || next.origin !== before.origin) setPlace({ top: next.top, origin: next.origin });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', onScroll);
    };
  }, []);

  // A list that became shorter leaves its end behind.
  useLayoutEffect(() => {
    const most = Math.max(0, extent.virtual - extent.view);
    if (now.current.place.top > most) setPlace({ top: most, origin: most - inBox(extent, most) });
  }, [extent]);

  const show = useCallback(
    (index: number) => {
      const element = scroller.current;
      if (element === null) return;
      const { place: before, extent: whole } = now.current;
      const top = toShow(whole, before, index * rowHeight, rowHeight);
      if (top === before.top) return;
      const near = top - before.origin;
      const fits = near >= 0 && near <= whole.box - whole.view;
      const scrollTop = fits ? near : inBox(whole, top);
      // Told before it happens: the event that follows finds nothing moved.
      now.current.last = scrollTop;
      element.scrollTop = scrollTop;
      setPlace({ top, origin: top - scrollTop });
    },
    [rowHeight],
  );

  const first = Math.max(0, Math.floor(place.top / rowHeight) - overscan);
  const last = Math.min(count - 1, Math.ceil((place.top + view) / rowHeight) + overscan);
  const rows = useMemo(
    () =>
      Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => ({
        index: first + i,
        top: (first + i) * rowHeight - place.origin,
      })),
    [first, last, rowHeight, place.origin],
  );
  return { scroller, height: extent.box, rows, first, last: Math.max(0, last), show };
}

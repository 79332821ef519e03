/**
 * Rows of one height in a box that scrolls, however many there are. Browsers lay out some 33 million pixels
 * at most (Chromium: 2^25), so a longer list is put into a shorter box: steps of wheel and keys stay what they
 * are, and only a jump (of the scroll bar) is taken in proportion. `origin` is how far the shown part of the
 * long list lies from where it is in the box.
 */
export const MAX_BOX = 12_000_000;
/** Further than so many heights of the view at once is a jump. */
const JUMP = 4;

export interface Extent {
  /** Of the list as long as it would be, and of the box (px). */
  virtual: number;
  box: number;
  view: number;
}

export interface Place {
  /** In the long list (px). */
  top: number;
  origin: number;
}

export function extentOf(count: number, rowHeight: number, view: number): Extent {
  const virtual = count * rowHeight;
  return { virtual, box: Math.min(virtual, MAX_BOX), view };
}

const clamp = (value: number, most: number) => Math.max(0, Math.min(value, Math.max(0, most)));

/** The box's scroll position that stands for a place in proportion. */
export function inBox({ virtual, box, view }: Extent, top: number): number {
  const most = virtual - view;
  return most <= 0 ? 0 : clamp((top / most) * (box - view), box - view);
}

/**
 * Where the list is after the box was scrolled from `last` to `now`.
 * @returns `scrollTo`: where the box has to be put, so that there is room to go on; null: where it is.
 */
export function scrolled(
  extent: Extent,
  before: Place,
  last: number,
  now: number,
): Place & { scrollTo: number | null } {
  const { virtual, box, view } = extent;
  if (virtual <= box) return { top: clamp(now, virtual - view), origin: 0, scrollTo: null };
  const mostV = virtual - view;
  const mostBox = box - view;
  if (Math.abs(now - last) > JUMP * view) {
    const top = clamp((now / mostBox) * mostV, mostV);
    return { top, origin: top - now, scrollTo: null };
  }
  const top = clamp(now + before.origin, mostV);
  const atEdge =
    (now <= 0 && top > 0) ||
    (now >= mostBox && top < mostV) ||
    (top <= 0 && now > 0) ||
    (top >= mostV && now < mostBox);
  if (!atEdge) return { top, origin: before.origin, scrollTo: null };
  const scrollTo = inBox(extent, top);
  return { top, origin: top - scrollTo, scrollTo };
}

/** The place at which a row is seen whole, moved as little as can be. */
export function toShow(extent: Extent, { top }: Place, rowTop: number, rowHeight: number): number {
  if (rowTop < top) return clamp(rowTop, extent.virtual - extent.view);
  if (rowTop + rowHeight > top + extent.view)
    return clamp(rowTop + rowHeight - extent.view, extent.virtual - extent.view);
  return top;
}

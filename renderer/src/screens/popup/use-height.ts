import { type RefObject, useEffect, useRef } from 'react';
import { desktop } from '../../api/desktop.ts';

/** Without a card; with one it is as high as that, between these. */
const QUIET_PX = 320;
const MOST_PX = 760;

/**
 * Tells the window how high its content is. For one card it only grows: what is under the pointer does not move
 * because something became shorter.
 */
export function useHeight(root: RefObject<HTMLElement | null>, cardId: string | null): void {
  const told = useRef({ cardId: '', height: 0 });
  useEffect(() => {
    const bridge = desktop;
    const scrolls = root.current?.querySelector('[data-scrolls]') ?? null;
    if (bridge === null || root.current === null) return;
    const tell = (height: number) => {
      const wanted = Math.min(MOST_PX, Math.ceil(height));
      const isSame = told.current.cardId === (cardId ?? '');
      if (isSame && wanted <= told.current.height) return;
      told.current = { cardId: cardId ?? '', height: wanted };
      bridge.setPopupHeight(wanted);
    };
    if (scrolls === null) {
      tell(QUIET_PX);
      return;
    }
    const outer = root.current;
    const measure = () => tell(outer.clientHeight - scrolls.clientHeight + contentHeight(scrolls));
    const watch = new ResizeObserver(measure);
    for (const child of scrolls.children) watch.observe(child);
    measure();
    return () => watch.disconnect();
  }, [root, cardId]);
}

/** Of what is in it, also where that is less than its own height. */
function contentHeight(scrolls: Element): number {
  const last = scrolls.lastElementChild?.getBoundingClientRect().bottom ?? 0;
  const padding = Number.parseFloat(getComputedStyle(scrolls).paddingBottom) || 0;
  return last - scrolls.getBoundingClientRect().top + scrolls.scrollTop + padding;
}

import type { Icon } from '@tabler/icons-react';

export type PaletteGroup = 'waiting' | 'places' | 'actions' | 'connections' | 'sessions';

/** Name and detail may be text from outside: show them through `Visible`. */
export interface PaletteItem {
  id: string;
  group: PaletteGroup;
  name: string;
  detail?: string;
  icon: Icon;
  run(): void;
}

/** Of what there may be many of. */
const SHOWN_OF_GROUP = 8;
const FEW: ReadonlySet<PaletteGroup> = new Set(['places', 'actions']);
const ORDER: readonly PaletteGroup[] = ['waiting', 'places', 'actions', 'connections', 'sessions'];

/**
 * Items in which every word of the query occurs, in the order of their groups; within one, those whose
 * name begins with it come first.
 */
export function matching(items: readonly PaletteItem[], query: string): PaletteItem[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const begins = (item: PaletteItem) =>
    words[0] !== undefined && item.name.toLowerCase().startsWith(words[0]) ? 0 : 1;
  const found = items.filter(({ name, detail = '' }) => {
    const text = `${name} ${detail}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return ORDER.flatMap((group) =>
    found
      .filter((item) => item.group === group)
      .toSorted((a, b) => begins(a) - begins(b))
      .slice(0, FEW.has(group) ? undefined : SHOWN_OF_GROUP),
  );
}

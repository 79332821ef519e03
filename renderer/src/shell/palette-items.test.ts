import { IconKey } from '@tabler/icons-react';
import { expect, test } from 'vitest';
import { matching, type PaletteGroup, type PaletteItem } from './palette-items.ts';

const item = (group: PaletteGroup, name: string, detail?: string): PaletteItem => ({
  id: `${group} ${name}`,
  group,
  name,
  ...(detail === undefined ? {} : { detail }),
  icon: IconKey,
  run: () => {},
});
const ITEMS = [
  item('sessions', 'psql', 'demo, 12:01'),
  item('places', 'Sessions'),
  item('places', 'Home'),
  item('connections', 'demo'),
  item('waiting', 'UPDATE', 'demo / shop as app'),
];
const names = (query: string) => matching(ITEMS, query).map(({ name }) => name);

test('what waits comes first, then places, whatever their order', () => {
  expect(names('')).toEqual(['UPDATE', 'Sessions', 'Home', 'demo', 'psql']);
});

test('every word has to occur, in name or detail, in any case', () => {
  expect(names('DEMO')).toEqual(['UPDATE', 'demo', 'psql']);
  expect(names('demo shop')).toEqual(['UPDATE']);
  expect(names('nothing')).toEqual([]);
});

test('a name that begins with it comes first, and a group does not fill the list', () => {
  const many = [
    ...Array.from({ length: 20 }, (_, i) => item('connections', `old-prod-${i}`)),
    item('connections', 'prod'),
  ];
  const found = matching(many, 'prod');
  expect(found).toHaveLength(8);
  expect(found[0]?.name).toBe('prod');
});

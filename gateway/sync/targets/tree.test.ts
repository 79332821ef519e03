import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObjectName } from './names.ts';
import { listTree, placesOf, type Tree, type TreeEntry } from './tree.ts';

/** A store in memory: paths as they lie there. */
function treeOf(paths: readonly string[]): Tree {
  const folders = new Map<string, Map<string, TreeEntry>>([['', new Map()]]);
  for (const path of paths) {
    const segments = path.split('/');
    segments.forEach((name, depth) => {
      const folder = segments.slice(0, depth).join('/');
      const kind = depth === segments.length - 1 ? 'file' : 'folder';
      if (!folders.has(folder)) folders.set(folder, new Map());
      folders.get(folder)?.set(name, { name, kind, size: kind === 'file' ? path.length : null });
    });
  }
  return {
    entries: async (folder) => [...(folders.get(folder)?.values() ?? [])],
    size: async () => null,
  };
}

async function listed(paths: readonly string[], prefix = ''): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of listTree(treeOf(paths), prefix)) names.push(name);
  return names;
}

describe('objects that lie in folders, or flat where no folder can be made', () => {
  it('may lie at as many places as the name has folders, the deepest first', () => {
    expect(placesOf('a/b/c')).toEqual(['a/b/c', 'a/b,c', 'a,b,c']);
    expect(placesOf('a')).toEqual(['a']);
  });

  it('are listed under the same names and in the same order, wherever they lie', async () => {
    const segment = fc.constantFrom('a', 'b', 'a-1', 'a.1', 'a0', 'log', '0');
    // A name that is an object is no folder as well.
    const name = fc
      .array(segment, { minLength: 1, maxLength: 4 })
      .map((parts) => [...parts.slice(0, -1), `${parts.at(-1)}.o`].join('/'));
    const placed = fc.uniqueArray(fc.tuple(name, fc.nat(4)), { maxLength: 30, selector: ([one]) => one });
    await fc.assert(
      fc.asyncProperty(placed, fc.constantFrom('', 'a', 'a/', 'a/b', 'a-', 'b/a/'), async (objects, prefix) => {
        const paths = objects.map(([one, flat]) => {
          const places = placesOf(one);
          return places[Math.min(flat, places.length - 1)] ?? one;
        });
        const names = objects.map(([one]) => one).filter((one) => one.startsWith(prefix));
        expect(await listed(paths, prefix)).toEqual(names.toSorted());
      }),
    );
  });

  it('are refused where a store is nested without end', async () => {
    await expect(listed([`${'a/'.repeat(30)}x`])).rejects.toThrow('nested too deeply');
  });

  it('have no comma in their name, so that both can be told apart', () => {
    expect(isObjectName('a,b')).toBe(false);
  });
});

it('takes every name that sync and the log give, and none that leads elsewhere', () => {
  for (const name of [
    'acme/trust/000001.note',
    'acme/01JCZZZZZZZZZZZZZZZZZZZZZZ/identity/0a1b2c3d.oidc.note',
    'acme/01JCZZZZZZZZZZZZZZZZZZZZZZ/log/tile/0/x001/067.p/12',
    'acme/01JCZZZZZZZZZZZZZZZZZZZZZZ/log/checkpoint.12.0a1b2c3d',
    'acme/01JCZZZZZZZZZZZZZZZZZZZZZZ/sessions/2026/11/21/01JD/part-000001.r1.tar.age',
  ]) {
    expect(isObjectName(name)).toBe(true);
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      if (!isObjectName(text)) return;
      expect(text).toMatch(/^[A-Za-z0-9][A-Za-z0-9/._+@-]*$/);
      expect(text.split('/').some((part) => part === '' || part.startsWith('.'))).toBe(false);
    }),
  );
});

import { describe, expect, it } from 'vitest';
import { Connection } from '../../../contract/connection.ts';
import type { CatalogSnapshot } from '../ports.ts';
import { type DatabaseInspector, Databases } from './databases.ts';

const connection = Connection.parse({ id: 'demo', kind: 'postgres', host: 'db', user: 'app', database: 'shop' });
const settled = () => new Promise((resolve) => setImmediate(resolve));

function catalog(name: string): CatalogSnapshot {
  return { tagByOid: new Map(), relations: [], functions: [], volatileBuiltins: new Set([name]) };
}

/** An inspector whose reads end when the test says so. */
function inspected() {
  const reads: ((snapshot: CatalogSnapshot) => void)[] = [];
  const inspector: DatabaseInspector = {
    catalog: () => new Promise((resolve) => reads.push(resolve)),
    invalidate() {},
    estimate: async () => null,
    functionName: async () => null,
    close: async () => {},
  };
  return {
    reads,
    databases: new Databases(
      () => inspector,
      () => 0,
    ),
  };
}

describe('the catalog of a database', () => {
  it('read after it was invalidated never comes from a read that had begun before', async () => {
    const { reads, databases } = inspected();
    const opening = databases.open(connection, 'shop');
    reads[0]!(catalog('first'));
    const context = await opening;
    context.invalidate();
    const before = context.refresh();
    context.invalidate();
    let known = '';
    const after = context.refresh().then(() => {
      known = [...context.catalog.volatileBuiltins].join();
    });
    reads[1]!(catalog('second'));
    await before;
    await settled();
    expect(known).toBe('');
    reads[2]!(catalog('third'));
    await after;
    expect(known).toBe('third');
    expect(context.stale).toBe(false);
    expect(reads).toHaveLength(3);
  });

  it('is out of date once another database of the connection may have dropped it', async () => {
    const { reads, databases } = inspected();
    const opening = [databases.open(connection, 'shop'), databases.open(connection, 'postgres')];
    for (const read of reads) read(catalog('first'));
    const [shop, postgres] = await Promise.all(opening);
    postgres!.invalidate();
    expect(shop!.stale).toBe(true);
  });

  it('is read once for all who wait', async () => {
    const { reads, databases } = inspected();
    const opening = databases.open(connection, 'shop');
    reads[0]!(catalog('first'));
    const context = await opening;
    context.invalidate();
    const both = [context.refresh(), context.refresh()];
    reads[1]!(catalog('second'));
    await Promise.all(both);
    expect(reads).toHaveLength(2);
  });
});

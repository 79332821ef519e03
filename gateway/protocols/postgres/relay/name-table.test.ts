import { describe, expect, it } from 'vitest';
import { NameTable } from './name-table.ts';

const LONG = 'n'.repeat(63);

describe('a name', () => {
  it('defined earlier in the same batch means exactly that', () => {
    const table = new NameTable<string>(10);
    table.confirm('s', table.define('s', 'old', 1));
    table.define('s', 'new', 2);
    expect(table.lookup('s', 2)).toEqual(['new']);
    expect(table.lookup('s', 3)).toEqual(['old', 'new']);
  });

  it('keeps what was defined after the Close that is confirmed', () => {
    const table = new NameTable<string>(10);
    table.define('s', 'old', 1);
    const mark = table.mark();
    table.define('s', 'new', 2);
    table.closed('s', mark);
    expect(table.lookup('s', 3)).toEqual(['new']);
  });

  it('that was forgotten for want of room is unknown, not free, until the server confirms it', () => {
    const table = new NameTable<string>(2);
    table.define('s', 'old', 1);
    table.define('a', 'x', 1);
    table.define('b', 'x', 1);
    expect(table.lookup('s', 2)).toBeNull();
    expect(table.has('s')).toBe(true);
    const ticket = table.define('s', 'new', 2);
    expect(table.lookup('s', 3)).toBeNull();
    table.confirm('s', ticket);
    expect(table.lookup('s', 3)).toEqual(['new']);
  });

  it('is forgotten when all values together weigh too much', () => {
    const table = new NameTable<string>(10, 100);
    table.define('s', 'old', 1, 60);
    table.define('t', 'x', 1, 60);
    expect(table.lookup('s', 2)).toBeNull();
    expect(table.lookup('t', 2)).toEqual(['x']);
    table.fail('t', 2);
    table.define('u', 'y', 1, 90);
    expect(table.lookup('u', 1)).toEqual(['y']);
  });

  it('is told from others by its first 63 bytes, and long ones are never taken for one alone', () => {
    const table = new NameTable<string>(10);
    table.confirm(`${LONG}A`, table.define(`${LONG}A`, 'old', 1));
    const ticket = table.define(`${LONG}B`, 'new', 2);
    expect(table.lookup(`${LONG}B`, 2)).toEqual(['old', 'new']);
    table.confirm(`${LONG}B`, ticket);
    expect(table.lookup(LONG, 3)).toEqual(['old', 'new']);
    table.fail(`${LONG}B`, ticket);
    expect(table.lookup(`${LONG}C`, 3)).toEqual(['old']);
  });

  it('that is defined over and over is unknown, and a refused one does not make it known', () => {
    const table = new NameTable<string>(10);
    let ticket = 0;
    for (let i = 0; i <= 64; i++) ticket = table.define('s', `v${i}`, i);
    expect(table.lookup('s', 100)).toBeNull();
    table.fail('s', ticket);
    expect(table.lookup('s', 100)).toBeNull();
    table.confirm('s', table.define('s', 'last', 101));
    expect(table.lookup('s', 102)).toEqual(['last']);
  });

  it('that is defined over and over in one batch is exact there and unknown after it', () => {
    const table = new NameTable<string>(10);
    const tickets = Array.from({ length: 200 }, (_, i) => table.define('', `v${i}`, 1));
    expect(table.lookup('', 1)).toEqual(['v199']);
    expect(table.lookup('', 2)).toBeNull();
    for (const ticket of tickets.slice(0, 100)) table.confirm('', ticket);
    expect(table.lookup('', 2)).toBeNull();
    for (const ticket of tickets.slice(100)) table.confirm('', ticket);
    expect(table.lookup('', 2)).toEqual(['v199']);
  });

  it('can be pruned by what it means, and everything is free after clear()', () => {
    const table = new NameTable<string>(1);
    table.define('a', 'hold', 1);
    table.define('b', 'drop', 1);
    table.prune((value) => value === 'hold');
    expect(table.has('b')).toBe(true);
    table.clear();
    expect(table.has('b')).toBe(false);
  });
});

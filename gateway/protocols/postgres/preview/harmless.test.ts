import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CatalogFunction, CatalogSnapshot } from '../ports.ts';
import { harmfulBody, harmfulIn } from './harmless.ts';

const made = (name: string, source: string, language = 'plpgsql'): CatalogFunction => ({
  schema: 'public',
  name,
  source,
  language,
  volatility: 'volatile',
});

const catalog: CatalogSnapshot = {
  tagByOid: new Map(),
  relations: [],
  functions: [
    made('good', 'BEGIN RETURN lower(x); END'),
    made('bad', "BEGIN PERFORM pg_notify('c', x); RETURN x; END"),
    made('above', 'SELECT bad(x)', 'sql'),
    made('itself', 'SELECT itself(x)', 'sql'),
    made('Odd "name', 'SELECT nextval($1)', 'sql'),
    made('lower2', 'x', 'plpython3u'),
  ],
  volatileBuiltins: new Set(['nextval', 'set_config', 'random', 'pg_sleep', 'pg_notify']),
};

describe('an expression', () => {
  it.each([
    'lower(name) || upper(x)',
    'CASE WHEN (a) THEN (b) ELSE coalesce(c, (1)) END',
    "(x)::numeric(10,2) + random() AND note = 'nextval(1)'",
    'good(a) -- bad(a)',
    'ANY (ARRAY[1, 2]) /* bad( */',
  ])('is harmless: %s', (text) => expect(harmfulIn(text, catalog)).toBeNull());

  it.each([
    ["nextval('s'::regclass)", 'nextval'],
    ['public.bad(x)', 'bad'],
    ['BAD (x)', 'bad'],
    ['above(x)', 'above'],
    ['itself(x)', 'itself'],
    ['"Odd ""name"(x)', 'Odd "name'],
    ['lower2(x)', 'lower2'],
    ['unheard_of(x)', 'unheard_of'],
    ["dblink('x')", 'dblink'],
    ["set_config('a', 'b', false)", 'set_config'],
    ['pg_sleep(1)', 'pg_sleep'],
    ["'it''s' || bad(x)", 'bad'],
    ["E'\\'' || bad(x) || ''", 'bad'],
    ['$q$ $q$ || bad(x)', 'bad'],
  ])('has effects: %s', (text, name) => expect(harmfulIn(text, catalog)).toBe(name));

  it('that calls what nobody knows is never harmless, wherever that stands', () => {
    const around = fc.stringMatching(/^[a-z0-9 +*,=]{0,20}$/);
    fc.assert(fc.property(around, around, (before, after) => harmfulIn(`${before} zzz(${after})`, catalog) !== null));
  });
});

describe('a body', () => {
  it.each([
    ['BEGIN NEW.changed := now(); RETURN NEW; END', false],
    ["BEGIN IF TG_OP = 'UPDATE' THEN NEW.v := lower(NEW.v); END IF; RETURN NEW; END", false],
    ['BEGIN INSERT INTO log VALUES (1); RETURN NEW; END', true],
    ["BEGIN EXECUTE 'x'; RETURN NEW; END", true],
    ['BEGIN NOTIFY c; RETURN NULL; END', true],
    ['BEGIN NEW.v := bad(NEW.v); RETURN NEW; END', true],
  ])('%s', (source, harmful) => {
    expect(harmfulBody({ language: 'plpgsql', source, volatility: 'volatile' }, catalog)).toBe(harmful);
  });
});

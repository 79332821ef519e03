import type { ColumnTag } from '../../../contract/connection.ts';
import type { CatalogSnapshot, Masking, OutputTaint } from '../ports.ts';

/**
 * A masking that leaves out the tags whose columns this person may see unmasked (Cedar action
 * viewPlain). Detection by content goes on: it knows no columns.
 * @param masked false for a tag that is shown in plain; may change with the policy.
 */
export function withPlainView(masking: Masking, masked: (tag: ColumnTag) => boolean): Masking {
  const catalogs = new WeakMap<CatalogSnapshot, { kept: string; catalog: CatalogSnapshot }>();

  function catalogOf(catalog: CatalogSnapshot): CatalogSnapshot {
    const tags = [...catalog.tagByOid.values()].flatMap((columns) => [...columns.values()]);
    const kept = tags.map((tag) => (masked(tag) ? '1' : '0')).join('');
    if (!kept.includes('0')) return catalog;
    const known = catalogs.get(catalog);
    if (known?.kept === kept) return known.catalog;
    const tagByOid = new Map(
      [...catalog.tagByOid].map(([oid, columns]) => [oid, new Map([...columns].filter(([, tag]) => masked(tag)))]),
    );
    const filtered = { ...catalog, tagByOid };
    catalogs.set(catalog, { kept, catalog: filtered });
    return filtered;
  }

  function taintOf(taint: OutputTaint): OutputTaint {
    if (taint.all.every(masked)) return taint;
    const columns = taint.columns?.map((tags) => tags.filter(masked)) ?? null;
    return { ...taint, columns, all: taint.all.filter(masked) };
  }

  return {
    tokens: masking.tokens ?? null,
    forResult: (fields, taint, catalog) => masking.forResult(fields, taintOf(taint), catalogOf(catalog)),
    forCopyOut: (shape, taint, catalog) => masking.forCopyOut(shape, taintOf(taint), catalogOf(catalog)),
    text: (text, taint, sent) => masking.text(text, taintOf(taint), sent),
  };
}

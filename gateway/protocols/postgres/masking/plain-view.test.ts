import { expect, it } from 'vitest';
import { ColumnTag } from '../../../contract/connection.ts';
import type { CatalogSnapshot, Masking, OutputTaint } from '../ports.ts';
import { withPlainView } from './plain-view.ts';

const ssn = ColumnTag.parse({ table: 'customers', column: 'ssn', entity: 'US_SSN' });
const email = ColumnTag.parse({ table: 'customers', column: 'email', entity: 'EMAIL_ADDRESS' });
const catalog: CatalogSnapshot = {
  tagByOid: new Map([
    [
      16384,
      new Map([
        [1, ssn],
        [2, email],
      ]),
    ],
  ]),
  relations: [],
  functions: [],
  volatileBuiltins: new Set(),
};
const taint: OutputTaint = { columns: [[ssn], [email, ssn]], all: [ssn, email] };

function seen(masked: (tag: ColumnTag) => boolean) {
  let got: { taint: OutputTaint; catalog: CatalogSnapshot } | null = null;
  const inner: Masking = {
    forResult: (_fields, given, known) => {
      got = { taint: given, catalog: known };
      return null;
    },
    forCopyOut: () => null,
    text: (text) => ({ text, counts: {} }),
  };
  withPlainView(inner, masked).forResult([], taint, catalog);
  return got!;
}

it('passes everything on where nothing may be seen in plain', () => {
  expect(seen(() => true)).toEqual({ taint, catalog });
});

it('drops a tag that may be seen in plain, from the lineage and from the catalog', () => {
  const { taint: left, catalog: known } = seen((tag) => tag !== email);
  expect(left).toEqual({ columns: [[ssn], [ssn]], all: [ssn] });
  expect([...known.tagByOid.get(16384)!.values()]).toEqual([ssn]);
});

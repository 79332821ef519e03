import { createHash } from 'node:crypto';
import { Connection } from '../contract/connection.ts';
import type { Effects } from '../contract/operation.ts';
import { createClassifier } from '../protocols/postgres/classifier/index.ts';

const CONNECTION = Connection.parse({ id: 'audit', kind: 'postgres', host: 'localhost', user: 'u', database: 'd' });
const CATALOG = { tagByOid: new Map(), relations: [], functions: [], volatileBuiltins: new Set<string>() };
const CONTEXT = { connection: CONNECTION, catalog: CATALOG, prepared: () => null, cursor: () => null };

export interface TextClassifier {
  classify(text: string): Effects;
  close(): Promise<void>;
}

/** Reads statements with PostgreSQL's own parser and without a catalog: views and functions are not looked through. */
export async function textClassifier(): Promise<TextClassifier> {
  const classifier = await createClassifier({
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    after: (milliseconds, run) => {
      const timer = setTimeout(run, milliseconds);
      return () => clearTimeout(timer);
    },
  });
  return { classify: (text) => classifier.classify(text, CONTEXT).effects, close: () => classifier.close() };
}

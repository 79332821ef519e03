import { parentPort } from 'node:worker_threads';
import { Connection } from '../../../contract/connection.ts';
import type { ClassifyContext } from '../ports.ts';
import { classifyText, knowledgeOf, refused } from './classify-text.ts';
import type { Knowledge } from './knowledge.ts';
import { type LargeReply, type LargeRequest, MAX_CATALOGS } from './large.ts';
import { createParser } from './parser.ts';

/** Thread of LargeClassifier: classifies long texts where a slow or dying parser holds up nobody. */
const port = parentPort;
if (port === null) throw new Error('classifier-worker.ts runs as a worker thread only');

const parser = await createParser();
const catalogs = new Map<number, { context: ClassifyContext; knowledge: Knowledge }>();

port.on('message', (request: LargeRequest) => {
  if (request.kind === 'catalog') {
    const connection = Connection.parse({
      id: 'worker',
      kind: 'postgres',
      host: 'none',
      user: 'none',
      database: 'none',
      columns: request.columns,
    });
    const context: ClassifyContext = {
      connection,
      catalog: request.catalog,
      prepared: () => null,
      cursor: () => null,
    };
    catalogs.set(request.catalogId, { context, knowledge: knowledgeOf(context, parser) });
    for (const id of catalogs.keys()) if (id <= request.catalogId - MAX_CATALOGS) catalogs.delete(id);
    return;
  }
  let hashed = `text\n${request.text}`;
  const sha256 = (text: string): string => {
    hashed = text;
    return '0'.repeat(64);
  };
  const known = catalogs.get(request.catalogId);
  const { classification, byText } =
    known === undefined
      ? refused(request.text, { sha256 }, { all: new Set() }, ['too-large'], 'Could not be understood')
      : classifyText(request.text, null, known.context, known.knowledge, { parser, sha256 });
  const reply: LargeReply = { id: request.id, classification, byText, hashed };
  port.postMessage(reply);
});

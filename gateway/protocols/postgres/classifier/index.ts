import { Worker } from 'node:worker_threads';
import type { Connection } from '../../../contract/connection.ts';
import type { CatalogSnapshot, Classification, Classifier, ClassifyContext } from '../ports.ts';
import { GenerationCache } from './cache.ts';
import { classifyText, knowledgeOf, refused, type Tools } from './classify-text.ts';
import type { Knowledge } from './knowledge.ts';
import { LargeClassifier } from './large.ts';
import { createParser, type ParseOutcome } from './parser.ts';
import { shapeKey } from './shape.ts';

export interface ClassifierOptions {
  /** SHA-256 of the text's UTF-8 bytes, in hex. */
  sha256(text: string): string;
  /** Runs `run` once after that many milliseconds, unless the returned function is called first. */
  after(milliseconds: number, run: () => void): () => void;
  /** Texts that may wait for the worker thread at once; more are unknown. */
  maxQueue?: number;
  /** For one large text, in milliseconds, waiting included; then it is unknown. */
  timeout?: number;
}

export interface LoadedClassifier extends Classifier {
  /** Parser instances that died and were replaced. */
  readonly respawns: number;
  /** PostgreSQL's own parser; for texts that are not large. Never throws. */
  parse(text: string): ParseOutcome;
  /** Ends the worker thread. */
  close(): Promise<void>;
}

/** Longer texts are classified on a worker thread. In UTF-16 units. */
export const LARGE_TEXT = 16 * 1024;
/** Longer texts are not read at all. */
export const MAX_TEXT = 1024 * 1024;
/** Beyond that the shape's key costs more than it saves. */
const MAX_SHAPED = 4096;

const MAX_ENTRIES = 8192;
const MAX_BYTES = 32 * 1024 * 1024;

/** Classifications of one catalog under one set of tags. */
interface Cache {
  knowledge: Knowledge;
  shapes: GenerationCache<Classification>;
  texts: GenerationCache<Classification>;
}

/** Tag sets per catalog that keep a cache; connections of one gateway rarely share a catalog. */
const MAX_TAG_SETS = 16;

interface CatalogCaches {
  byConnection: WeakMap<Connection, Cache>;
  byTags: Map<string, Cache>;
}

/** Loads PostgreSQL's parser; throws where the package's WASM cannot be loaded. */
export async function createClassifier(options: ClassifierOptions): Promise<LoadedClassifier> {
  const parser = await createParser();
  const tools: Tools = { parser, sha256: options.sha256 };
  const catalogs = new WeakMap<CatalogSnapshot, CatalogCaches>();
  const large = new LargeClassifier({
    spawn: () => new Worker(new URL('./classifier-worker.ts', import.meta.url)),
    sha256: options.sha256,
    after: options.after,
    maxQueue: options.maxQueue ?? 32,
    timeout: options.timeout ?? 10_000,
  });
  let lastCatalog: CatalogSnapshot | null = null;
  let lastConnection: Connection | null = null;
  let lastCache: Cache | null = null;

  const cacheOf = (context: ClassifyContext): Cache => {
    const { catalog, connection } = context;
    if (lastCache !== null && lastCatalog === catalog && lastConnection === connection) return lastCache;
    let caches = catalogs.get(catalog);
    if (caches === undefined) {
      caches = { byConnection: new WeakMap(), byTags: new Map() };
      catalogs.set(catalog, caches);
    }
    let cache = caches.byConnection.get(connection);
    if (cache === undefined) {
      const tags = JSON.stringify(connection.columns);
      cache = caches.byTags.get(tags);
      if (cache === undefined) {
        cache = {
          knowledge: knowledgeOf(context, parser),
          shapes: new GenerationCache(MAX_ENTRIES, MAX_BYTES),
          texts: new GenerationCache(MAX_ENTRIES, MAX_BYTES),
        };
        if (caches.byTags.size >= MAX_TAG_SETS) caches.byTags.clear();
        caches.byTags.set(tags, cache);
      }
      caches.byConnection.set(connection, cache);
    }
    lastCatalog = catalog;
    lastConnection = connection;
    lastCache = cache;
    return cache;
  };

  const classify = (text: string, context: ClassifyContext): Classification => {
    const { shapes, texts, knowledge } = cacheOf(context);
    const key = text.length <= MAX_SHAPED ? shapeKey(text) : null;
    if (key !== null) {
      const known = shapes.get(key);
      if (known !== undefined) return known;
    }
    const known = texts.get(text);
    if (known !== undefined) return known;
    if (text.length > LARGE_TEXT) return tooLarge(text, tools, knowledge);
    try {
      const { classification, byShape, byText } = classifyText(text, key, context, knowledge, tools);
      if (byShape && key !== null) shapes.set(key, classification);
      else if (byText) texts.set(text, classification);
      return classification;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return refused(text, tools, knowledge, [], `Could not be understood: ${why}`).classification;
    }
  };

  return {
    classify,
    async classifyLarge(text, context) {
      if (text.length <= LARGE_TEXT) return classify(text, context);
      const { knowledge, texts } = cacheOf(context);
      if (text.length > MAX_TEXT) return tooLarge(text, tools, knowledge);
      const known = texts.get(text);
      if (known !== undefined) return known;
      const { classification, byText } = await large.classify(text, context, knowledge);
      if (byText) texts.set(text, classification);
      return classification;
    },
    get respawns() {
      return parser.respawns;
    },
    parse: (text) => parser.parse(text),
    close: () => large.close(),
  };
}

function tooLarge(text: string, tools: Tools, knowledge: Knowledge): Classification {
  const words = `Is too long to be understood (${text.length} characters)`;
  return refused(text, tools, knowledge, ['too-large'], words).classification;
}

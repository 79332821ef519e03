import type { Worker } from 'node:worker_threads';
import type { ColumnTag } from '../../../contract/connection.ts';
import type { CatalogSnapshot, Classification, ClassifyContext } from '../ports.ts';
import { type Classified, refused, tagName } from './classify-text.ts';
import type { Knowledge } from './knowledge.ts';

export interface LargeOptions {
  spawn(): Worker;
  sha256(text: string): string;
  after(milliseconds: number, run: () => void): () => void;
  maxQueue: number;
  timeout: number;
}

/** To the worker. A catalog is sent once, before the first text that needs it. */
export type LargeRequest =
  | { kind: 'catalog'; catalogId: number; catalog: CatalogSnapshot; columns: readonly ColumnTag[] }
  | { kind: 'classify'; id: number; catalogId: number; text: string };
export interface LargeReply {
  id: number;
  classification: Classification;
  byText: boolean;
  /** SHA-256 is not the worker's: it returns what is to be hashed. */
  hashed: string;
}

/** What a thread has been told; the oldest is forgotten on both sides. */
export const MAX_CATALOGS = 4;

interface Job {
  text: string;
  knowledge: Knowledge;
  settle(classified: Classified): void;
  cancel(): void;
}

/**
 * Long texts, on one thread, with a bounded number waiting. A thread that fails or takes too long is
 * ended, and everything that waited for it is unknown. Statements that depend on names of the session
 * are unknown here: the thread does not have them.
 */
export class LargeClassifier {
  readonly #options: LargeOptions;
  readonly #jobs = new Map<number, Job>();
  #worker: Worker | null = null;
  #nextJob = 0;
  #sent: { catalog: CatalogSnapshot; tags: string; id: number }[] = [];
  #nextCatalog = 0;

  constructor(options: LargeOptions) {
    this.#options = options;
  }

  classify(text: string, context: ClassifyContext, knowledge: Knowledge): Promise<Classified> {
    if (this.#jobs.size >= this.#options.maxQueue)
      return Promise.resolve(this.#refuse(text, knowledge, 'Too many long statements wait to be understood'));
    return new Promise((resolve) => {
      this.#nextJob += 1;
      const id = this.#nextJob;
      const settle = (classified: Classified): void => {
        if (!this.#jobs.delete(id)) return;
        cancel();
        if (this.#jobs.size === 0) this.#worker?.unref();
        resolve(classified);
      };
      const cancel = this.#options.after(this.#options.timeout, () => this.#fail('It took too long to understand it'));
      this.#jobs.set(id, { text, knowledge, settle, cancel });
      try {
        const worker = this.#live();
        worker.ref();
        const catalogId = this.#share(worker, context);
        this.#post(worker, { kind: 'classify', id, catalogId, text });
      } catch (error) {
        this.#fail(error instanceof Error ? error.message : String(error));
      }
    });
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#fail('Countersign is stopping');
    await worker?.terminate();
  }

  #live(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = this.#options.spawn();
    worker.on('message', (reply: LargeReply) => this.#answer(reply));
    worker.on('error', (error: unknown) => this.#gone(worker, error instanceof Error ? error.message : String(error)));
    worker.on('exit', () => this.#gone(worker, 'its thread ended'));
    this.#worker = worker;
    return worker;
  }

  #post(worker: Worker, request: LargeRequest): void {
    worker.postMessage(request);
  }

  #share(worker: Worker, context: ClassifyContext): number {
    const tags = JSON.stringify(context.connection.columns);
    const known = this.#sent.find((one) => one.catalog === context.catalog && one.tags === tags);
    if (known !== undefined) return known.id;
    this.#nextCatalog += 1;
    const id = this.#nextCatalog;
    this.#sent.push({ catalog: context.catalog, tags, id });
    if (this.#sent.length > MAX_CATALOGS) this.#sent.shift();
    const { columns } = context.connection;
    this.#post(worker, { kind: 'catalog', catalogId: id, catalog: context.catalog, columns });
    return id;
  }

  #answer(reply: LargeReply): void {
    const job = this.#jobs.get(reply.id);
    if (job === undefined) return;
    const own = new Map([...job.knowledge.all].map((tag) => [tagName(tag), tag]));
    const mine = (tags: readonly ColumnTag[]): ColumnTag[] => tags.map((tag) => own.get(tagName(tag)) ?? tag);
    const { effects, output } = reply.classification;
    job.settle({
      classification: {
        ...reply.classification,
        effects: { ...effects, fingerprint: this.#options.sha256(reply.hashed).slice(0, 16) },
        output: {
          ...output,
          columns: output.columns === null ? null : output.columns.map(mine),
          all: mine(output.all),
        },
      },
      byShape: false,
      byText: reply.byText,
    });
  }

  #gone(worker: Worker, why: string): void {
    if (this.#worker === worker) this.#fail(why);
  }

  /** Ends the thread; a new one is started for the next text. */
  #fail(why: string): void {
    const worker = this.#worker;
    this.#worker = null;
    this.#sent = [];
    for (const job of [...this.#jobs.values()])
      job.settle(this.#refuse(job.text, job.knowledge, `Could not be understood: ${why}`));
    void worker?.terminate();
  }

  #refuse(text: string, knowledge: Knowledge, words: string): Classified {
    return refused(text, this.#options, knowledge, ['too-large'], words);
  }
}

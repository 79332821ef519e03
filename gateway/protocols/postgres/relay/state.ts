import type { Connection } from '../../../contract/connection.ts';
import type { Verdict } from '../../../contract/decision.ts';
import type { Effects, Operation, Parameter, TransactionStatus } from '../../../contract/operation.ts';
import type { DigestInput } from '../../../contract/operation-digest.ts';
import type { Session } from '../../../contract/session.ts';
import type { Pipeline } from '../../../pipeline/pipeline.ts';
import type { SessionRecorder } from '../../../pipeline/ports.ts';
import type { CatalogSnapshot, Classification, Classifier, ClassifyContext, Masking } from '../ports.ts';
import { NameTable } from './name-table.ts';
import { mergeClassifications, type PortalInfo, type StatementInfo } from './names.ts';
import { PendingQueue, type Run } from './pending.ts';
import { TrackedSettings } from './settings.ts';

/** Where a relay's bytes and wishes go; the socket glue or a test implements it. */
export interface RelayIo {
  /** The pieces leave together, in order. */
  toClient(pieces: readonly Uint8Array[]): void;
  toServer(pieces: readonly Uint8Array[]): void;
  pauseClient(): void;
  resumeClient(): void;
  /** Ends both sides after what was sent has been flushed. */
  finish(reason: string): void;
}

/** What the gateway knows of the session's database. */
export interface DatabaseContext {
  readonly catalog: CatalogSnapshot;
  /** The catalog may have changed: the next statement waits for refresh(). */
  readonly stale: boolean;
  invalidate(): void;
  refresh(): Promise<void>;
  /** Planner's estimate of the rows that the statement touches; null where there is none. */
  estimate(text: string, options: { searchPath: string; role: string }): Promise<number | null>;
  /** `schema.name` of a function, for FunctionCall; null when there is none. */
  functionName(oid: number): Promise<string | null>;
}

export interface RelayDeps {
  session: Session;
  connection: Connection;
  io: RelayIo;
  recorder: SessionRecorder;
  pipeline: Pipeline;
  classifier: Classifier;
  masking: Masking | null;
  database: DatabaseContext;
  digest(input: DigestInput): string;
  /** Milliseconds; for durations only. */
  monotonic(): number;
  /** An error that is a mistake of ours: it is logged. */
  unexpected(error: unknown): void;
  /** search_path and the like as the server reported them at start. */
  parameters: ReadonlyMap<string, string>;
}

const MAX_STATEMENTS = 10_000;
const MAX_PORTALS = 1_000;

/** Texts above this are classified on a worker, so that one client cannot stall the others. */
export const LARGE_TEXT = 16 * 1024;

/** What both directions of one session share. */
export class RelayState {
  readonly deps: RelayDeps;
  readonly statements = new NameTable<StatementInfo>(MAX_STATEMENTS);
  readonly portals = new NameTable<PortalInfo>(MAX_PORTALS);
  /** SQL cursors by name: a protocol Execute or a FETCH may continue them. */
  readonly cursors = new NameTable<StatementInfo>(MAX_PORTALS);
  readonly pending = new PendingQueue();
  readonly settings: TrackedSettings;
  transaction: TransactionStatus = 'idle';
  /** The exchange that the client's next byte belongs to, and the one the server is answering. */
  upExchange = 0;
  downExchange = 0;
  /** Runs between two Syncs, for NameTable. */
  batch = 0;
  /** The server ignores everything up to the next Sync. */
  skipping = false;
  /** The exchange whose COPY FROM STDIN the server is reading; -1 when none. */
  copyIn = -1;
  ended = false;
  /** The client said goodbye: the server closing is the answer to that. */
  terminated = false;
  /** Bytes of Bind bodies kept because an approval may need their parameters. */
  keptBinds = 0;
  /** A statement that may have changed the catalog ran in the transaction that is open. */
  catalogTouched = false;
  readonly #verdicts = new WeakMap<Effects, { hash: string; role: string; verdict: Verdict }>();
  readonly #seen = new Set<string>();
  readonly classifyContext: ClassifyContext;

  constructor(deps: RelayDeps) {
    this.deps = deps;
    this.settings = new TrackedSettings(deps.session.role, deps.parameters.get('search_path'));
    const classificationOf = (table: NameTable<StatementInfo>, name: string): Classification | null => {
      const found = table.lookup(name, this.batch);
      return found ? mergeClassifications(found.map((info) => info.classification)) : null;
    };
    const { connection, database } = deps;
    this.classifyContext = {
      connection,
      get catalog() {
        return database.catalog;
      },
      prepared: (name) => classificationOf(this.statements, name),
      cursor: (name) => classificationOf(this.cursors, name),
    };
  }

  info(text: string, classification: Classification, parameterTypes: readonly number[] = []): StatementInfo {
    return { text, parameterTypes, classification, catalog: this.deps.database.catalog, fields: undefined };
  }

  /** Synchronous classification; the caller has checked that the text is not large. */
  classify(text: string): Classification {
    return this.deps.classifier.classify(text, this.classifyContext);
  }

  verdict(effects: Effects): Verdict {
    const { pipeline, session, connection } = this.deps;
    const role = this.settings.role;
    const hash = pipeline.policyHash;
    const known = this.#verdicts.get(effects);
    if (known && known.hash === hash && known.role === role) return known.verdict;
    const { identity, agent, database } = session;
    const verdict = pipeline.verdict({ identity, agent, connection, database, role, effects });
    this.#verdicts.set(effects, { hash, role, verdict });
    return verdict;
  }

  operation(text: string, effects: Effects, parameters: Parameter[]): Operation {
    const { session, digest } = this.deps;
    const parts = {
      sessionId: session.id,
      connectionId: session.connectionId,
      database: session.database,
      role: this.settings.role,
      searchPath: this.settings.searchPath,
      text,
      parameters,
      transaction: this.transaction,
    };
    return {
      ...parts,
      protocol: 'postgres',
      identity: session.identity,
      agent: session.agent,
      effects,
      digest: digest({ ...parts, subject: session.identity.subject }),
    };
  }

  /** Names that an allowed statement is about to give by SQL. */
  defineNames(statement: StatementInfo): Run['defined'] {
    const { names } = statement.classification;
    if (names.length === 0) return NO_NAMES;
    const defined: { table: 'statements' | 'cursors'; name: string; ticket: number }[] = [];
    for (const name of names) {
      const table = name.kind === 'prepare' ? 'statements' : name.kind === 'declare-cursor' ? 'cursors' : null;
      if (!table || !('name' in name) || name.name === null) continue;
      // No batch of the extended protocol: SQL names take effect when their statement has run.
      defined.push({ table, name: name.name, ticket: this[table].define(name.name, statement, -1) });
    }
    return defined;
  }

  /** A statement succeeded: what it did to the session's names and settings. */
  applyNames(run: Run): void {
    for (const { table, name, ticket } of run.defined) this[table].confirm(name, ticket);
    for (const name of run.statement.classification.names) {
      if (name.kind === 'deallocate' && name.name !== null) {
        this.statements.closed(name.name, this.statements.mark());
      } else if (name.kind === 'close-cursor' && name.name !== null) {
        this.cursors.closed(name.name, this.cursors.mark());
      } else if (name.kind === 'set') {
        this.settings.applied(name, this.transaction === 'in-transaction');
      }
    }
  }

  /** No transaction is open and nothing is under way: no portal is left. */
  forgetPortals(): void {
    this.portals.clear();
    this.keptBinds = 0;
  }

  /** Tells the recorder how a statement ended. */
  recordRun(run: Run, exchange: number): void {
    const { recorder, session } = this.deps;
    const { effects } = run.statement.classification;
    const { decision } = run;
    const plain = decision.effect === 'allow' && decision.verdict.effect === 'allow';
    const own = !plain || run.error !== null || changes(effects);
    const first = !this.#seen.has(effects.fingerprint);
    if (first && this.#seen.size < 10_000) this.#seen.add(effects.fingerprint);
    recorder.statement(exchange, {
      fingerprint: effects.fingerprint,
      class: effects.class,
      op: effects.ops[0] ?? '',
      decision,
      own,
      text: own || first ? run.statement.text : null,
      digest: run.digest,
      rows: run.rows,
      error: run.error,
      heldMs: run.heldMs,
      masked: run.masked,
      objects: own ? objectsOf(effects) : NO_OBJECTS,
    });
    session.statements++;
    session.rows += run.rows;
    if (run.error !== null) session.errors++;
    if (decision.effect === 'deny') session.denied++;
    if (decision.approvalId !== null && decision.channel !== 'grant') session.asked++;
    if (run.masked) {
      for (const [entity, count] of Object.entries(run.masked)) {
        session.masked[entity] = (session.masked[entity] ?? 0) + count;
      }
    }
  }
}

const NO_OBJECTS: readonly string[] = [];
const NO_NAMES: Run['defined'] = [];

function objectsOf(effects: Effects): string[] {
  return [...new Set([...effects.writes, ...effects.reads].map((t) => (t.schema ? `${t.schema}.${t.name}` : t.name)))];
}

/** Such a request is on disk before it is forwarded (DESIGN, promise 3). */
export function changes(effects: Effects): boolean {
  return effects.class !== 'read' && effects.class !== 'session';
}

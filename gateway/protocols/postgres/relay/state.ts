import type { Connection } from '../../../contract/connection.ts';
import type { Verdict } from '../../../contract/decision.ts';
import type { Effects, Parameter, StatementOperation, TransactionStatus } from '../../../contract/operation.ts';
import type { StatementDigestInput } from '../../../contract/operation-digest.ts';
import type { Session } from '../../../contract/session.ts';
import { mayHoldToken } from '../../../masking/tokens.ts';
import type { Pipeline } from '../../../pipeline/pipeline.ts';
import type { SessionRecorder } from '../../../pipeline/ports.ts';
import type {
  CatalogSnapshot,
  Classification,
  Classifier,
  ClassifyContext,
  Masking,
  PutTokens,
  SessionName,
  TokensFound,
} from '../ports.ts';
import { CopiedTags } from './copied-tags.ts';
import { NameTable } from './name-table.ts';
import {
  dependsOnNames,
  mergeClassifications,
  type PortalInfo,
  type SessionClassification,
  type StatementInfo,
  unknownClassification,
} from './names.ts';
import type { Look } from './own-lane.ts';
import { PendingQueue, type Run } from './pending.ts';
import { TrackedSettings } from './settings.ts';

/** Where a relay's bytes and wishes go; the socket glue or a test implements it. */
export interface RelayIo {
  /** The pieces leave together, in order. */
  toClient(pieces: readonly Uint8Array[]): void;
  toServer(pieces: readonly Uint8Array[]): void;
  pauseClient(): void;
  resumeClient(): void;
  /** The server reads the end after what was sent to it; its answers still pass. */
  endServer(): void;
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
  digest(input: StatementDigestInput): string;
  /** Milliseconds; for durations only. */
  monotonic(): number;
  /** An error that is a mistake of ours: it is logged. */
  unexpected(error: unknown): void;
  /** search_path and the like as the server reported them at start. */
  parameters: ReadonlyMap<string, string>;
  /** Finds out what a held statement would do; absent: nothing is looked at. */
  look?: Look;
  /** Cancels what runs on the server; resolves when the server has taken that. */
  cancelServer?(): Promise<void>;
  /** Why whatever this session runs waits for a person meanwhile; null: nothing does but what policy says. */
  heldBecause?(): string | null;
}

const MAX_STATEMENTS = 10_000;
const MAX_PORTALS = 1_000;
/** Characters of the texts that a session's names keep in memory, for each kind of name. */
const MAX_TEXTS = 80 * 1024 * 1024;
/** Characters of what a statement runs by name that a person is shown with it. */
const MAX_SHOWN = 64 * 1024;

const UNSURE_STATEMENT =
  'tokens were bound to a prepared statement of which it is not certain what it is; prepare it again and wait for the answer';

/** Texts above this are classified on a worker, so that one client cannot stall the others. */
export const LARGE_TEXT = 16 * 1024;

/** What both directions of one session share. */
export class RelayState {
  readonly deps: RelayDeps;
  readonly statements = new NameTable<StatementInfo>(MAX_STATEMENTS, MAX_TEXTS);
  readonly portals = new NameTable<PortalInfo>(MAX_PORTALS, MAX_TEXTS);
  /** SQL cursors by name: a protocol Execute or a FETCH may continue them. */
  readonly cursors = new NameTable<StatementInfo>(MAX_PORTALS, MAX_TEXTS);
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
  /** The client closed its writing side: the server closing is the answer to that, too. */
  clientEnded = false;
  /** The server told the client why it ends the session. */
  toldEnd = false;
  /** Bytes of Bind bodies kept because an approval may need their parameters. */
  keptBinds = 0;
  /** An Execute was forwarded since the last Sync. */
  batchRan = false;
  /** Binds since the last Sync. */
  batchBinds = 0;
  /** Rows that the gateway asks for itself are looked at one by one. */
  ownBegins: () => void = () => {};
  /** Nothing of the gateway's own runs in the session any more. */
  ownEnds: () => void = () => {};
  /** A statement that may have changed the catalog ran in the transaction that is open. */
  catalogTouched = false;
  readonly copied = new CopiedTags();
  readonly #verdicts = new WeakMap<Effects, { hash: string; role: string; verdict: Verdict }>();
  readonly #seen = new Set<string>();
  readonly #refreshing = new Set<StatementInfo>();
  readonly classifyContext: ClassifyContext;

  constructor(deps: RelayDeps) {
    this.deps = deps;
    this.settings = new TrackedSettings(deps.session.role, deps.parameters.get('search_path'));
    const { connection, database } = deps;
    this.classifyContext = {
      connection,
      get catalog() {
        return database.catalog;
      },
      prepared: (name) => this.#prepared(name),
      cursor: (name) => this.#cursor(name),
    };
  }

  info(text: string, classification: SessionClassification, parameterTypes: readonly number[] = []): StatementInfo {
    return { text, parameterTypes, classification, catalog: this.deps.database.catalog, fields: undefined };
  }

  /** Synchronous classification; the caller has checked that the text is not large. */
  classify(text: string): SessionClassification {
    return this.understood(this.deps.classifier.classify(text, this.classifyContext));
  }

  /**
   * A text's classification together with what it runs by name. Bind is not decided on, so a FETCH or
   * MOVE of a portal that nobody executed yet is what the portal runs.
   */
  understood(classification: Classification): SessionClassification {
    const { names } = classification;
    if (names.length === 0) return classification;
    let whole: SessionClassification = classification;
    const maybe: SessionName[] = [];
    for (const name of names) {
      if (name.kind === 'execute') {
        for (const info of this.statements.lookup(name.name, this.batch) ?? []) {
          // What made the name by SQL is not run again by it; and no statement can make its own name anew.
          for (const given of namesOf(info))
            if (given.kind !== 'prepare' || given.name !== name.name) maybe.push(given);
        }
      } else if (name.kind === 'fetch' && this.portals.has(name.name)) {
        const runs = this.#portal(name.name);
        whole = mergeClassifications([whole, runs ?? this.#unknown(`Runs the portal ${name.name}`)]);
      }
    }
    return maybe.length === 0 ? whole : { ...whole, maybe: [...(whole.maybe ?? []), ...maybe] };
  }

  /** The classification of a statement that was named before, as of now. */
  current(info: StatementInfo): SessionClassification {
    const { catalog } = this.deps.database;
    const depends = dependsOnNames(info.classification);
    if (info.catalog === catalog && !depends) return info.classification;
    if (this.#refreshing.has(info)) return this.#unknown('Runs itself');
    if (info.text.length > LARGE_TEXT) {
      return depends ? this.#unknown('Runs by name what may have changed') : info.classification;
    }
    this.#refreshing.add(info);
    try {
      info.classification = this.classify(info.text);
      info.catalog = catalog;
    } finally {
      this.#refreshing.delete(info);
    }
    return info.classification;
  }

  /** Its classification may be out of date, and is too costly to be made again here and now. */
  needsWorker(info: StatementInfo): boolean {
    if (info.text.length <= LARGE_TEXT) return false;
    return info.catalog !== this.deps.database.catalog || dependsOnNames(info.classification);
  }

  #prepared(name: string): SessionClassification | null {
    const found = this.statements.lookup(name, this.batch);
    return found ? mergeClassifications(found.map((info) => this.current(info))) : null;
  }

  /** Cursors of SQL and portals of the protocol share their names on the server. */
  #cursor(name: string): SessionClassification | null {
    const declared = this.cursors.lookup(name, this.batch);
    if (!declared && this.cursors.has(name)) return null;
    const bound = this.portals.has(name) ? this.#portal(name) : undefined;
    if (bound === null) return null;
    const all = (declared ?? []).map((info) => this.current(info));
    if (bound) all.push(bound);
    return all.length === 0 ? null : mergeClassifications(all);
  }

  /** What the portals that may have this name run; null where that is not known. */
  #portal(name: string): SessionClassification | null {
    const found = this.portals.lookup(name, this.batch);
    if (!found) return null;
    const all: SessionClassification[] = [];
    for (const { statements } of found) {
      if (!statements) return null;
      all.push(...statements.map((info) => this.current(info)));
    }
    return mergeClassifications(all);
  }

  #unknown(reason: string): SessionClassification {
    return unknownClassification(reason, 'unknown-statement', this.deps.connection.columns);
  }

  /**
   * The texts that a statement runs by name, for the person who is asked about it; null where it may run
   * a portal, whose parameters nobody would see.
   */
  reached(statement: StatementInfo): string | null {
    const seen = new Set<StatementInfo>([statement]);
    let shown = '';
    for (const info of seen) {
      for (const name of namesOf(info)) {
        if (name.kind === 'fetch' && this.portals.has(name.name)) return null;
        if (name.kind !== 'execute') continue;
        for (const next of this.statements.lookup(name.name, this.batch) ?? []) {
          if (seen.has(next)) continue;
          seen.add(next);
          shown += `\n-- ${name.name.replace(/[\r\n]/g, ' ')} is:\n${next.text}`;
          if (shown.length > MAX_SHOWN) return null;
        }
      }
    }
    return shown;
  }

  verdict(effects: Effects): Verdict {
    const verdict = this.#policyVerdict(effects);
    const why = this.deps.heldBecause?.() ?? null;
    if (why === null || verdict.effect !== 'allow' || effects.class === 'session') return verdict;
    const { expiresSeconds } = verdict;
    return { ...verdict, effect: 'ask', level: 'click', grantable: false, expiresSeconds, reason: why };
  }

  #policyVerdict(effects: Effects): Verdict {
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

  tokensInText(text: string): TokensFound {
    const { masking, database, connection } = this.deps;
    return this.#observed(masking?.tokens?.inText(text, database.catalog) ?? null, connection);
  }

  /** @param body of the Bind; asked for only where it matters. */
  tokensInBind(candidates: readonly StatementInfo[], body: () => Uint8Array): TokensFound {
    const { masking, database, connection } = this.deps;
    const tokens = masking?.tokens;
    if (!tokens || candidates.length === 0) return null;
    if (candidates.length > 1) {
      if (!tokens.mayBind(body()) && !candidates.some(({ text }) => mayHoldToken(text))) return null;
      return this.#observed({ refused: UNSURE_STATEMENT }, connection);
    }
    const { text, parameterTypes } = candidates[0]!;
    return this.#observed(tokens.inBind(text, database.catalog, parameterTypes, body()), connection);
  }

  /** What would be refused is forwarded in observe mode: as it came, with the token for a text like others. */
  #observed(found: TokensFound, { mode }: Connection): TokensFound {
    return found !== null && found.refused !== null && mode === 'observe' ? null : found;
  }

  /** The recording has what the client sent; this says in which columns values took the tokens' places. */
  recordTokens({ tags, count }: PutTokens): void {
    const columns = tags.map(({ schema, table, column }) => `${schema}.${table}.${column}`);
    this.deps.recorder.event('tokens-put-in', { exchange: this.upExchange, count, columns });
  }

  operation(text: string, effects: Effects, parameters: Parameter[]): StatementOperation {
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

  /** Names that an allowed statement is about to give and to close by SQL. */
  defineNames(statement: StatementInfo): Pick<Run, 'defined' | 'closes'> {
    const { names, maybe } = statement.classification;
    if (names.length === 0 && !maybe) return NO_NAMES;
    const defined: { table: 'statements' | 'cursors'; name: string; ticket: number }[] = [];
    const closes: { table: 'statements' | 'cursors' | 'portals'; name: string; mark: number }[] = [];
    for (const name of names) {
      // No batch of the extended protocol: SQL names take effect when their statement has run.
      if (gives(name)) {
        const table = tableOf(name);
        defined.push({ table, name: name.name, ticket: this.#define(table, name.name, statement) });
      } else if (name.kind === 'deallocate' && name.name !== null) {
        closes.push({ table: 'statements', name: name.name, mark: this.statements.mark() });
      } else if (name.kind === 'close-cursor' && name.name !== null) {
        closes.push({ table: 'cursors', name: name.name, mark: this.cursors.mark() });
        closes.push({ table: 'portals', name: name.name, mark: this.portals.mark() });
      }
    }
    for (const name of maybe ?? []) if (gives(name)) this.#define(tableOf(name), name.name, statement);
    return { defined, closes };
  }

  #define(table: 'statements' | 'cursors', name: string, statement: StatementInfo): number {
    return this[table].define(name, statement, -1, statement.text.length);
  }

  /** A statement succeeded: what it did to the session's names and settings. */
  applyNames(run: Run): void {
    const { names, maybe } = run.statement.classification;
    for (const { table, name, ticket } of run.defined) this[table].confirm(name, ticket);
    for (const { table, name, mark } of run.closes) this[table].closed(name, mark);
    for (const name of names) {
      if (name.kind === 'set') this.settings.applied(name, this.transaction === 'in-transaction');
    }
    if (maybe?.some((name) => name.kind === 'set')) this.settings.failed();
  }

  /** No transaction is open and nothing is under way: no portal is left. */
  forgetPortals(): void {
    this.portals.clear();
    // A cursor WITH HOLD outlives its transaction, and says so in its text.
    this.cursors.prune((info) => /hold/i.test(info.text));
    this.keptBinds = 0;
  }

  /** Tells the recorder how a statement ended. */
  recordRun(run: Run, exchange: number): void {
    const { recorder, session } = this.deps;
    const { effects } = run.statement.classification;
    const { decision } = run;
    const plain = decision.effect === 'allow' && decision.verdict.effect === 'allow';
    const own = !plain || run.error !== null || changes(effects) || decision.emergency !== undefined;
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
      maskedColumns: run.maskedColumns,
      objects: objectsOf(effects),
      flags: effects.flags,
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

export const NO_NAMES: Pick<Run, 'defined' | 'closes'> = { defined: [], closes: [] };

function namesOf({ classification }: StatementInfo): readonly SessionName[] {
  const { names, maybe } = classification;
  return maybe ? [...names, ...maybe] : names;
}

type Giving = Extract<SessionName, { kind: 'prepare' | 'declare-cursor' }>;

function gives(name: SessionName): name is Giving {
  return name.kind === 'prepare' || name.kind === 'declare-cursor';
}

function tableOf(name: Giving): 'statements' | 'cursors' {
  return name.kind === 'prepare' ? 'statements' : 'cursors';
}

/** Effects are shared by statements of one text, and this is on the path of each. */
const objectLists = new WeakMap<Effects, readonly string[]>();

function objectsOf(effects: Effects): readonly string[] {
  let objects = objectLists.get(effects);
  if (!objects) {
    const tables = [...effects.writes, ...effects.reads];
    objects = [...new Set(tables.map((t) => (t.schema ? `${t.schema}.${t.name}` : t.name)))];
    objectLists.set(effects, objects);
  }
  return objects;
}

/** Such a request is on disk before it is forwarded (DESIGN, promise 3). */
export function changes(effects: Effects): boolean {
  return effects.class !== 'read' && effects.class !== 'session';
}

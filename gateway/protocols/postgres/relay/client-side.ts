import type { Decision } from '../../../contract/decision.ts';
import { CountersignError } from '../../../contract/errors.ts';
import type { Parameter } from '../../../contract/operation.ts';
import { FrameScanner } from '../codec/frame-scanner.ts';
import {
  readBindTarget,
  readClose,
  readDescribe,
  readExecute,
  readFunctionCall,
  readParse,
  readQuery,
} from '../codec/frontend.ts';
import { frontendLimits } from '../codec/limits.ts';
import { frontend } from '../codec/messages.ts';
import { writeMessage } from '../codec/write-backend.ts';
import { writeDescribe } from '../codec/write-frontend.ts';
import type { PutTokens } from '../ports.ts';
import { type Decided, decide, refusal } from './decide.ts';
import {
  CANCELLED,
  DENIED_PORTAL,
  denialText,
  errorResponse,
  failing,
  IN_FAILED_TRANSACTION,
  leavesBlock,
} from './denial.ts';
import { functionCallText } from './function-call.ts';
import { GatedSender } from './gated-sender.ts';
import {
  base64,
  dependsOnNames,
  mergeClassifications,
  type PortalInfo,
  readParameters,
  type SessionClassification,
  type StatementInfo,
  unknownClassification,
} from './names.ts';
import { Outflow } from './outflow.ts';
import { type HeldStatement, OwnLane } from './own-lane.ts';
import { PENDING, type Pending, type PendingKind, type Run } from './pending.ts';
import { changes, LARGE_TEXT, NO_NAMES, type RelayState } from './state.ts';
import { bindWithValues, queryWithValues, TOKENS_NAME, withWords } from './tokens.ts';
import { type Wait, waitFor } from './wait.ts';

/** Largest Query, Parse, Bind or FunctionCall; held in memory whole while it is decided on. */
const MAX_STATEMENT = 64 * 1024 * 1024;
/** Bytes of the client that wait while a statement is held; above it the client is not read. */
const MAX_QUEUED = 1024 * 1024;
/** Answers that may be outstanding; above it the client is not read. */
const MAX_PENDING = 16_384;
const NOTHING: Partial<Pending> = {};
const CLIENT_ENDED = 'the client closed its connection while the statement waited';
const SKIPPED = 'a message before it failed, so the server would not run it';
const UNSURE_TOKENS = 'it is not certain which portal it runs, and one of them holds tokens; bind it again';
/** Bind bodies kept because an approval may need their parameters. */
const MAX_KEPT_BINDS = 64 * 1024 * 1024;

/**
 * Client to server: each message is decided on and recorded before it is forwarded. Holding one
 * statement stops this direction of this session and nothing else.
 */
export class ClientSide {
  readonly #state: RelayState;
  readonly #fail: (error: unknown) => void;
  readonly #scanner = new FrameScanner('frontend', frontendLimits(MAX_STATEMENT), [frontend.CopyData]);
  #chunk: Uint8Array = new Uint8Array(0);
  readonly #forward = new Outflow();
  readonly #record = new Outflow();
  #recordExchange = 0;
  /** The present message is recorded already: it was held. */
  #presentRecorded = false;
  /** Reads that wait behind a held message. */
  #queue: Uint8Array[] = [];
  #queued = 0;
  #paused = false;
  #waiting: Wait | null = null;
  /** Looks at the held statement. */
  #lane: OwnLane | null = null;
  /** Something that changes data is about to be forwarded. */
  #needDurable = false;
  /** Closed while something that changes data is not on disk yet. */
  readonly #sender: GatedSender;

  constructor(state: RelayState, fail: (error: unknown) => void) {
    this.#state = state;
    this.#fail = fail;
    this.#sender = new GatedSender((pieces) => state.deps.io.toServer(pieces));
  }

  data(chunk: Uint8Array): void {
    if (this.#state.ended) return;
    this.#state.deps.session.bytesUp += chunk.length;
    if (this.#waiting || this.#queue.length > 0) {
      this.#queue.push(chunk);
      this.#queued += chunk.length;
      this.relieved();
      return;
    }
    this.#process(chunk);
  }

  /**
   * The client closed its writing side: what it sent before is still answered, as the server would. A statement
   * that waits for a person is withdrawn, since a client that is gone looks the same.
   */
  end(): void {
    if (this.#state.clientEnded) return;
    this.#state.clientEnded = true;
    this.#waiting?.held?.withdraw(CLIENT_ENDED);
    this.#endServer();
  }

  /** A CancelRequest came. True: a held statement was withdrawn, so the server has nothing to cancel. */
  cancel(): boolean {
    const held = this.#waiting?.held;
    if (!held) return false;
    this.#waiting!.cancelled = true;
    held.withdraw('the client cancelled the statement while it waited');
    return true;
  }

  stop(reason: string): void {
    this.#lane?.stop();
    this.#waiting?.held?.withdraw(reason);
    this.#queue = [];
    this.#sender.drop();
  }

  /** Reads the client, or does not, by what waits already. Called whenever something was finished. */
  relieved(): void {
    if (this.#state.skipping) this.#waiting?.held?.withdraw(SKIPPED);
    this.#lane?.poke();
    const full = this.#queued > MAX_QUEUED || this.#sender.bytes > MAX_QUEUED || this.#state.pending.size > MAX_PENDING;
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.#state.deps.io.pauseClient();
    else this.#state.deps.io.resumeClient();
  }

  // ---- the walk over messages ---------------------------------------------------------------

  #process(chunk: Uint8Array): void {
    try {
      this.#chunk = chunk;
      this.#scanner.feed(chunk);
      this.#run();
    } catch (error) {
      this.#fail(error);
    }
  }

  #run(): void {
    while (this.#scanner.next()) {
      const wait = this.#step();
      if (wait) {
        this.#suspend(wait);
        return;
      }
    }
    this.#flush();
    this.relieved();
  }

  #suspend(wait: Wait): void {
    // What a person decides on is on record before the decision is.
    if (wait.held && !this.#presentRecorded) {
      this.#recordPresent();
      this.#presentRecorded = true;
    }
    this.#flush();
    this.#waiting = wait;
    const looked = this.#look(wait);
    if (this.#state.clientEnded) wait.held?.withdraw(CLIENT_ENDED);
    const ready = looked === null ? wait.ready : wait.ready.then((value) => this.#lookedAt(looked, value));
    ready.then(
      (value) => {
        if (this.#state.ended || this.#waiting !== wait) return;
        this.#waiting = null;
        try {
          const next = this.#state.skipping ? this.#skipWaited(wait) : wait.resume(value);
          if (next) {
            this.#suspend(next);
            return;
          }
          this.#run();
          while (!this.#waiting && this.#queue.length > 0 && !this.#state.ended) {
            const chunk = this.#queue.shift()!;
            this.#queued -= chunk.length;
            this.#process(chunk);
          }
          this.relieved();
          this.#endServer();
        } catch (error) {
          this.#fail(error);
        }
      },
      (error) => this.#fail(error),
    );
  }

  #look(wait: Wait): Promise<void> | null {
    const { look } = this.#state.deps;
    if (!look || !wait.look) return null;
    const lane = new OwnLane(this.#state, wait.look, (bytes) => this.#sender.send([bytes]));
    this.#lane = lane;
    const looked = look(wait.look, lane);
    // It may fail long before anybody decides, and then the session is not what the client takes it for.
    looked.catch((error: unknown) => this.#fail(error));
    return looked;
  }

  /** Decided: what looks stops, and the statement goes on when the session is as it was. */
  async #lookedAt<T>(looked: Promise<void>, value: T): Promise<T> {
    this.#lane?.stop();
    await looked;
    if (!this.#state.ended) this.#state.ownEnds();
    this.#lane = null;
    return value;
  }

  /** While it waited, a message before it failed: the server would ignore it, so it is not forwarded. */
  #skipWaited(wait: Wait): null {
    if (wait.held) this.#state.deps.recorder.event('withdrawn', { approvalId: wait.held.approvalId, reason: SKIPPED });
    this.#recordPresent();
    return null;
  }

  /** Once everything that the client sent has left. */
  #endServer(): void {
    const { clientEnded, ended, deps } = this.#state;
    if (clientEnded && !ended && !this.#waiting && this.#sender.open) deps.io.endServer();
  }

  #step(): Wait | null {
    const { type } = this.#scanner;
    const { skipping, deps } = this.#state;
    // The server would ignore it up to the next Sync. It was not decided on, so it does not leave here.
    if (skipping && type !== frontend.Sync && type !== frontend.Terminate) {
      this.#recordPresent();
      return null;
    }
    switch (type) {
      case frontend.Query:
      case frontend.Parse:
      case frontend.Execute:
      case frontend.FunctionCall:
        if (deps.database.stale) return waitFor(deps.database.refresh(), () => this.#statement(type));
        return this.#statement(type);
      case frontend.Bind:
        return this.#bind();
      case frontend.Describe:
        return this.#describe();
      case frontend.Close:
        return this.#close();
      case frontend.Sync:
        return this.#sync();
      case frontend.CopyData:
        return this.#pass();
      case frontend.CopyDone:
        // The rows are on disk before the server is told that they are all.
        this.#needDurable = true;
        return this.#copyEnd();
      case frontend.CopyFail:
        return this.#copyEnd();
      case frontend.Terminate:
        this.#state.terminated = true;
        return this.#pass();
      default:
        // Flush; the scanner's limits admit nothing else.
        return this.#pass();
    }
  }

  #statement(type: number): Wait | null {
    if (type === frontend.Query) return this.#query();
    if (type === frontend.Parse) return this.#parse();
    if (type === frontend.Execute) return this.#execute();
    return this.#functionCall();
  }

  // ---- what becomes of the present message -----------------------------------------------------

  #pass(): null {
    this.#recordPresent();
    const { bytes, start, end } = this.#scanner;
    if (bytes === this.#chunk) this.#forward.add(bytes, start, end);
    else this.#forward.copy(bytes, start, end);
    return null;
  }

  #replace(replacement: Uint8Array): null {
    this.#recordPresent();
    this.#forward.add(replacement, 0, replacement.length);
    return null;
  }

  #recordPresent(): void {
    if (this.#presentRecorded) {
      this.#presentRecorded = false;
      return;
    }
    const { bytes, start, end, type } = this.#scanner;
    const { copyIn, upExchange } = this.#state;
    const copying = type === frontend.CopyData || type === frontend.CopyDone || type === frontend.CopyFail;
    const exchange = copying && copyIn >= 0 ? copyIn : upExchange;
    if (exchange !== this.#recordExchange) {
      this.#flushRecord();
      this.#recordExchange = exchange;
    }
    if (bytes === this.#chunk) this.#record.add(bytes, start, end);
    else this.#record.copy(bytes, start, end);
  }

  #flushRecord(): void {
    const { recorder } = this.#state.deps;
    this.#record.drain((pieces) => {
      for (const piece of pieces) recorder.request(this.#recordExchange, piece);
    });
  }

  /** Recorded first, then (where it changes something) on disk, then forwarded. */
  #flush(): void {
    this.#flushRecord();
    if (this.#needDurable) {
      this.#needDurable = false;
      this.#sender.close();
      this.#state.deps.recorder.durable().then(
        () => this.#onDisk(),
        (error) => this.#fail(error),
      );
    }
    this.#forward.drain((pieces) => this.#sender.send(pieces));
  }

  #onDisk(): void {
    if (this.#state.ended) return;
    this.#sender.release();
    this.relieved();
    this.#endServer();
  }

  #push(kind: PendingKind, part: Partial<Pending> = NOTHING): void {
    // Field by field: spreading costs a microsecond for each message.
    this.#state.pending.push({
      kind,
      exchange: this.#state.upExchange,
      run: part.run ?? null,
      name: part.name ?? '',
      ticket: part.ticket ?? 0,
      statement: part.statement ?? null,
      portal: part.portal ?? null,
      own: null,
    });
  }

  // ---- messages -----------------------------------------------------------------------------------

  #query(): Wait | null {
    const { bytes, bodyStart, end } = this.#scanner;
    const { text, lossless } = readQuery(bytes, bodyStart, end);
    return this.#withClassification(text, lossless, (classification) => {
      const found = this.#state.tokensInText(text);
      if (found !== null && found.refused !== null) {
        const statement = this.#state.info(text, classification);
        return this.#finishQuery(statement, this.#refused(statement, found.refused), null);
      }
      const statement = withWords(this.#state.info(text, classification), found);
      return this.#decide(
        statement,
        () => [],
        (decided) => this.#finishQuery(statement, decided, found),
        found === null ? { execute: null } : null,
      );
    });
  }

  #finishQuery(statement: StatementInfo, decided: Decided, put: PutTokens | null): null {
    const run = this.#newRun(statement, decided, put, true);
    this.#push(PENDING.query, { run, statement });
    if (decided.decision.effect === 'allow') {
      this.#allowed(statement, decided.decision);
      if (put === null) this.#pass();
      else this.#replace(queryWithValues(put));
    } else {
      this.#replace(run.substitute?.opensBlock ? failing.queryInBlock : failing.query);
    }
    this.#state.batch++;
    this.#state.upExchange++;
    return null;
  }

  #refused(statement: StatementInfo, sentence: string): Decided {
    const verdict = this.#state.verdict(statement.classification.effects);
    return { decision: refusal(verdict, sentence), digest: null, heldMs: 0, cancelled: false };
  }

  #parse(): Wait | null {
    const { bytes, bodyStart, end } = this.#scanner;
    const { statement: name, text, lossless, parameterTypes } = readParse(bytes, bodyStart, end);
    if (name === TOKENS_NAME) throw reserved(name);
    return this.#withClassification(text, lossless, (classification) => {
      const statement = this.#state.info(text, classification, parameterTypes);
      const ticket = this.#state.statements.define(name, statement, this.#state.batch, text.length);
      this.#push(PENDING.parse, { name, ticket });
      return this.#pass();
    });
  }

  #bind(): null {
    const { bytes, bodyStart, end } = this.#scanner;
    const message = readBindTarget(bytes, bodyStart, end);
    if (message.portal === DENIED_PORTAL) throw reserved(message.portal);
    if (message.portal === TOKENS_NAME || message.statement === TOKENS_NAME) throw reserved(TOKENS_NAME);
    const { statements, portals, batch } = this.#state;
    const candidates = statements.lookup(message.statement, batch);
    const mayAsk = candidates?.some(
      ({ classification }) =>
        dependsOnNames(classification) || this.#state.verdict(classification.effects).effect !== 'allow',
    );
    let bind: Uint8Array | null = null;
    if (mayAsk && this.#state.keptBinds + (end - bodyStart) <= MAX_KEPT_BINDS) {
      bind = bytes.slice(bodyStart, end);
      this.#state.keptBinds += bind.length;
    }
    const portal: PortalInfo = {
      statements: candidates,
      bind,
      resultFormats: message.resultFormats,
      fields: undefined,
      allowed: null,
      tokens: null,
      lost: false,
    };
    this.#state.batchBinds++;
    const found = candidates && this.#state.tokensInBind(candidates, () => bytes.slice(bodyStart, end));
    if (found) portal.tokens = found.refused ?? found;
    const weight = candidates?.reduce((sum, info) => sum + info.text.length, 0) ?? 0;
    const ticket = portals.define(message.portal, portal, batch, weight);
    const put = found && found.refused === null ? found : null;
    if (put) this.#push(PENDING.tokensParse, { portal });
    this.#push(PENDING.bind, { name: message.portal, ticket, portal });
    if (!put) return this.#pass();
    return this.#replace(bindWithValues(put, candidates![0]!.parameterTypes, bytes.slice(bodyStart, end)));
  }

  #describe(): null {
    const { bytes, bodyStart, end } = this.#scanner;
    const { kind, name } = readDescribe(bytes, bodyStart, end);
    const { statements, portals, batch } = this.#state;
    if (kind === 'statement') {
      const found = statements.lookup(name, batch);
      const statement = found?.length === 1 ? found[0]! : null;
      if (statement && statement.fields === undefined) statement.fields = null;
      this.#push(PENDING.describeStatement, { statement });
    } else {
      const found = portals.lookup(name, batch);
      const portal = found?.length === 1 ? found[0]! : null;
      if (portal) portal.fields = null;
      this.#push(PENDING.describePortal, { portal });
    }
    return this.#pass();
  }

  #close(): null {
    const { bytes, bodyStart, end } = this.#scanner;
    const { kind, name } = readClose(bytes, bodyStart, end);
    const table = kind === 'statement' ? this.#state.statements : this.#state.portals;
    this.#push(kind === 'statement' ? PENDING.closeStatement : PENDING.closePortal, { name, ticket: table.mark() });
    return this.#pass();
  }

  #copyEnd(): null {
    const { pending } = this.#state;
    // Without an answer outstanding the server ignores it; a second one adds nothing.
    if (pending.size > 0 && pending.at(pending.size - 1)?.kind !== PENDING.copyEnd) this.#push(PENDING.copyEnd);
    return this.#pass();
  }

  #sync(): null {
    const state = this.#state;
    // The server ignores Sync while it reads COPY data, up to CopyDone or CopyFail.
    if (state.copyIn >= 0 && !state.pending.some((item) => item.kind === PENDING.copyEnd)) {
      // It may have left COPY by an error that is still on its way: then this Sync counts.
      state.batch++;
      return this.#pass();
    }
    state.skipping = false;
    this.#push(PENDING.sync);
    this.#pass();
    state.batch++;
    state.batchRan = false;
    state.batchBinds = 0;
    state.upExchange++;
    return null;
  }

  #execute(): Wait | null {
    const { bytes, bodyStart, end } = this.#scanner;
    const { portal: name } = readExecute(bytes, bodyStart, end);
    const { portals, cursors, batch } = this.#state;
    const found = portals.lookup(name, batch);
    const declared = name !== '' && cursors.has(name);
    if (declared || !portals.has(name)) {
      // A cursor of SQL, or nothing, or a portal of the same name. What FETCH would be is what this is.
      const text = `FETCH ALL FROM "${name.replaceAll('"', '""')}"`;
      const statement = this.#state.info(text, this.#state.classify(text));
      return this.#decide(
        statement,
        () => [],
        (decided) => this.#finishExecute(name, statement, null, decided),
        null,
      );
    }
    const candidates: StatementInfo[] = [];
    for (const portal of found ?? []) {
      if (!portal.statements) return this.#executeUnknown(name);
      candidates.push(...portal.statements);
    }
    if (!found || candidates.length === 0) return this.#executeUnknown(name);
    return this.#refreshed(candidates, 0, () => this.#executePortals(name, found, candidates));
  }

  /** Goes on when the large ones among the statements have been classified again where they have to be. */
  #refreshed(infos: readonly StatementInfo[], from: number, then: () => Wait | null): Wait | null {
    const state = this.#state;
    for (let i = from; i < infos.length; i++) {
      const info = infos[i]!;
      if (!state.needsWorker(info)) continue;
      const { catalog } = state.deps.database;
      return waitFor(state.deps.classifier.classifyLarge(info.text, state.classifyContext), (classification) => {
        info.classification = state.understood(classification);
        info.catalog = catalog;
        return this.#refreshed(infos, i + 1, then);
      });
    }
    for (const info of infos) if (info.text.length <= LARGE_TEXT) state.current(info);
    return then();
  }

  #executePortals(name: string, found: readonly PortalInfo[], candidates: readonly StatementInfo[]): Wait | null {
    const portal = found.length === 1 ? found[0]! : null;
    const statement = this.#oneOf(candidates);
    const refused = found.find(({ tokens }) => typeof tokens === 'string')?.tokens;
    if (typeof refused === 'string') {
      return this.#finishExecute(name, statement, portal, this.#refused(statement, refused));
    }
    // Of several portals that it may be, none could be told to the person and to what masks its errors.
    const put = found.find(({ tokens }) => tokens !== null)?.tokens ?? null;
    if (put !== null && portal === null) {
      return this.#finishExecute(name, statement, portal, this.#refused(statement, UNSURE_TOKENS));
    }
    if (portal?.allowed) {
      return this.#finishExecute(name, statement, portal, {
        decision: portal.allowed.decision,
        digest: portal.allowed.digest,
        heldMs: 0,
        cancelled: false,
      });
    }
    return this.#decide(
      withWords(statement, typeof put === 'string' ? null : put),
      () => (portal?.bind ? readParameters(portal.bind, statement.parameterTypes) : null),
      (decided) => {
        if (portal && decided.decision.effect === 'allow') {
          portal.allowed = { decision: decided.decision, digest: decided.digest };
        }
        return this.#finishExecute(name, statement, portal, decided);
      },
      put === null && candidates.length === 1 ? { execute: { portal } } : null,
    );
  }

  /** Nothing to show a person, so nobody is asked: refused (in observe mode forwarded and marked). */
  #executeUnknown(name: string): null {
    const reason = 'runs a prepared statement that the gateway does not know; prepare it again';
    const statement = this.#state.info(
      '',
      unknownClassification(reason, 'unknown-statement', this.#state.deps.connection.columns),
    );
    const verdict = this.#state.verdict(statement.classification.effects);
    const decision: Decision =
      this.#state.deps.connection.mode === 'observe'
        ? { ...refusal(verdict, ''), effect: 'allow', observed: 'deny', message: null }
        : refusal(verdict, `it ${reason}`);
    return this.#finishExecute(name, statement, null, { decision, digest: null, heldMs: 0, cancelled: false });
  }

  /** What an Execute may run: one statement, or the worst of several. */
  #oneOf(candidates: readonly StatementInfo[]): StatementInfo {
    const first = candidates[0]!;
    if (candidates.length === 1) return first;
    const merged = mergeClassifications(candidates.map((info) => info.classification));
    return this.#state.info(candidates.map((info) => info.text).join('\n-- or\n'), merged, first.parameterTypes);
  }

  #finishExecute(name: string, statement: StatementInfo, portal: PortalInfo | null, decided: Decided): null {
    const put = portal?.tokens ?? null;
    const run = this.#newRun(statement, decided, typeof put === 'string' ? null : put);
    const denied = decided.decision.effect === 'deny';
    this.#state.batchRan = true;
    if (!denied && portal?.lost) this.#bindAgain(portal, run);
    if (!denied && this.#needsDescribe(statement, portal)) {
      // Rows cannot be masked without knowing their columns, and this client never asked for them.
      const describe = writeDescribe('portal', name);
      if (portal) portal.fields = null;
      this.#push(PENDING.ownDescribe, { portal, run });
      this.#forward.add(describe, 0, describe.length);
    }
    this.#push(PENDING.execute, { run, statement, portal });
    if (denied) return this.#replace(failing.execute);
    this.#allowed(statement, decided.decision);
    return this.#pass();
  }

  #bindAgain(portal: PortalInfo, run: Run): void {
    const bind = writeMessage(frontend.Bind, portal.bind!);
    portal.lost = false;
    this.#push(PENDING.ownBind, { portal, run });
    this.#forward.add(bind, 0, bind.length);
  }

  #needsDescribe(statement: StatementInfo, portal: PortalInfo | null): boolean {
    if (!this.#state.deps.masking) return false;
    return statement.fields === undefined && (portal === null || portal.fields === undefined);
  }

  #functionCall(): Wait | null {
    const { bytes, bodyStart, end } = this.#scanner;
    const call = readFunctionCall(bytes, bodyStart, end);
    const body = bytes.slice(bodyStart, end);
    return waitFor(this.#state.deps.database.functionName(call.functionOid), (name) => {
      const text = name === null ? '' : functionCallText(name, body);
      const classification =
        name === null
          ? unknownClassification(
              `Calls a function that the catalog does not have (${call.functionOid})`,
              'unknown-function',
              this.#state.deps.connection.columns,
            )
          : this.#state.classify(text);
      const statement = this.#state.info(text || `FunctionCall ${call.functionOid}`, classification);
      const parameters = (): Parameter[] => [{ type: 0, format: 'binary', value: base64(body) }];
      return this.#decide(
        statement,
        parameters,
        (decided) => {
          this.#push(PENDING.functionCall, { run: this.#newRun(statement, decided, null), statement });
          if (decided.decision.effect === 'allow') {
            this.#allowed(statement, decided.decision);
            this.#pass();
          } else {
            this.#replace(failing.functionCall);
          }
          this.#state.batch++;
          this.#state.upExchange++;
          return null;
        },
        null,
      );
    });
  }

  // ---- deciding -------------------------------------------------------------------------------------

  #withClassification(
    text: string,
    lossless: boolean,
    then: (classification: SessionClassification) => Wait | null,
  ): Wait | null {
    if (!lossless)
      return then(
        unknownClassification(
          'Is not valid UTF-8, so it cannot be understood',
          'unparsable',
          this.#state.deps.connection.columns,
        ),
      );
    if (text.length <= LARGE_TEXT) return then(this.#state.classify(text));
    const { classifier } = this.#state.deps;
    return waitFor(classifier.classifyLarge(text, this.#state.classifyContext), (classification) =>
      then(this.#state.understood(classification)),
    );
  }

  #decide(
    statement: StatementInfo,
    parameters: () => Parameter[] | null,
    then: (decided: Decided) => Wait | null,
    look: Pick<HeldStatement, 'execute'> | null,
  ): Wait | null {
    return decide(this.#state, statement, parameters, then, look);
  }

  #newRun(statement: StatementInfo, decided: Decided, put: PutTokens | null, simple = false): Run {
    const { decision } = decided;
    let substitute: Run['substitute'] = null;
    if (decision.effect === 'deny') {
      const failed = decision.message === IN_FAILED_TRANSACTION.message;
      const error = decided.cancelled ? CANCELLED : failed ? IN_FAILED_TRANSACTION : denialText(decision);
      const opensBlock = simple && leavesBlock(statement.classification.effects.ops);
      substitute = { message: errorResponse(error), sqlstate: error.sqlstate, opensBlock };
    }
    const names = decision.effect === 'allow' ? this.#state.defineNames(statement) : NO_NAMES;
    const output = this.#state.copied.outputOf(statement);
    if (put !== null && decision.effect === 'allow') this.#state.recordTokens(put);
    return {
      statement,
      output: put === null ? output : { ...output, all: [...new Set([...output.all, ...put.tags])] },
      decision,
      digest: decided.digest,
      heldMs: Math.round(decided.heldMs),
      rows: 0,
      error: null,
      masked: null,
      maskedColumns: null,
      result: 0,
      substitute,
      defined: names.defined,
      closes: names.closes,
      done: false,
      tokens: put,
    };
  }

  #allowed(statement: StatementInfo, { emergency }: Decision): void {
    if (emergency !== undefined || changes(statement.classification.effects)) this.#needDurable = true;
    this.#state.copied.note(statement);
  }
}

function reserved(name: string): CountersignError {
  return new CountersignError('PG_RESERVED_NAME', `the name "${name}" is reserved`);
}

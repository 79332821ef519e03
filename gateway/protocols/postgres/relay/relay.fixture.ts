import { Connection } from '../../../contract/connection.ts';
import type { Approval, Verdict } from '../../../contract/decision.ts';
import type { Effects, Operation, OperationClass } from '../../../contract/operation.ts';
import type { Session } from '../../../contract/session.ts';
import { createPipeline } from '../../../pipeline/pipeline.ts';
import type { HoldOutcome, SessionRecorder, StatementSummary } from '../../../pipeline/ports.ts';
import { backend } from '../codec/messages.ts';
import {
  writeCommandComplete,
  writeDataRow,
  writeErrorResponse,
  writeMessage,
  writeReadyForQuery,
  writeRowDescription,
} from '../codec/write-backend.ts';
import type { CatalogSnapshot, Classification, ClassifyContext, Masking } from '../ports.ts';
import { Relay } from './relay.ts';
import type { RelayDeps } from './state.ts';

/** A relay with doubles on all sides; everything that happens is in `log`, in order. */
export interface Harness {
  relay: Relay;
  log: string[];
  /** Frames sent to the server and to the client, whole, as `Type(text)`. */
  toServer: Uint8Array[];
  toClient: Uint8Array[];
  /** What the recorder was given as the client's, in order. */
  requested: Uint8Array[];
  statements: StatementSummary[];
  held: { operation: Operation; settle(state: HoldOutcome['state']): void }[];
  /** Lets the oldest durable() wait resolve; without `manualDurable` they resolve at once. */
  diskSynced(): void;
  session: Session;
}

const CATALOG: CatalogSnapshot = { tagByOid: new Map(), relations: [], functions: [], volatileBuiltins: new Set() };

/** Names that the first words of a text use or give, as the classifier finds them. */
function namesIn(text: string): Classification['names'] {
  const [, kind, name] = /^(PREPARE|EXECUTE|DEALLOCATE|FETCH|DECLARE) (\w+)/.exec(text) ?? [];
  if (kind === undefined || name === undefined) return [];
  const kinds = {
    PREPARE: 'prepare',
    EXECUTE: 'execute',
    DEALLOCATE: 'deallocate',
    FETCH: 'fetch',
    DECLARE: 'declare-cursor',
  } as const;
  return [{ kind: kinds[kind as keyof typeof kinds], name }];
}

/** By the first word: SELECT is allowed, UPDATE is asked, DROP is denied; PREPARE takes its inner statement's. */
function classify(text: string, context: ClassifyContext): Classification {
  const names = namesIn(text);
  const [named] = names;
  const runs = named?.kind === 'execute' ? context.prepared(named.name) : null;
  if (runs) return { ...runs, names };
  const prepare = /^PREPARE (\w+) AS (.*)$/.exec(text);
  const inner = prepare ? prepare[2]! : text;
  const op = inner.split(/[\s;]/)[0]!.toUpperCase();
  const kinds: Record<string, OperationClass> = {
    SELECT: 'read',
    BEGIN: 'session',
    SET: 'session',
    ROLLBACK: 'session',
    COPY: 'write',
    DEALLOCATE: 'session',
    DECLARE: 'read',
    FETCH: 'read',
    INSERT: 'write',
    UPDATE: 'write',
    DROP: 'destructive',
  };
  const effects: Effects = {
    class: kinds[op] ?? 'unknown',
    ops: [op],
    flags: /^SET standard_conforming_strings/.test(text) ? ['sets-pinned-setting'] : [],
    reads: [],
    writes: [],
    filtersOn: [],
    functions: [],
    words: [],
    fingerprint: `fp-${op}`,
    shape: inner,
  };
  return {
    effects,
    output: { columns: null, all: [] },
    names,
  };
}

function verdictOf(effects: Effects): Verdict {
  const effect = effects.ops.includes('DROP')
    ? 'deny'
    : effects.ops.includes('UPDATE') || effects.class === 'unknown'
      ? 'ask'
      : 'allow';
  return {
    effect,
    policyIds: [`policy-${effect}`],
    policyHash: 'f'.repeat(64),
    reason: `the policy says ${effect}`,
    level: 'click',
    expiresSeconds: 600,
    grantable: false,
  };
}

export function harness(
  options: { manualDurable?: boolean; masking?: Masking; mode?: 'enforce' | 'observe' } = {},
): Harness {
  const log: string[] = [];
  const toServer: Uint8Array[] = [];
  const toClient: Uint8Array[] = [];
  const requested: Uint8Array[] = [];
  const statements: StatementSummary[] = [];
  const held: Harness['held'] = [];
  const syncs: (() => void)[] = [];
  let approvals = 0;

  const recorder: SessionRecorder = {
    request: (exchange, bytes) => {
      requested.push(bytes.slice());
      log.push(`request ${exchange} ${frames(bytes)}`);
    },
    response: (exchange, bytes) => log.push(`response ${exchange} ${frames(bytes, 'backend')}`),
    statement: (exchange, summary) => {
      statements.push(summary);
      log.push(`statement ${exchange} ${summary.op} ${summary.decision.effect} ${summary.error ?? 'ok'}`);
    },
    end: (exchange) => log.push(`end ${exchange}`),
    durable: () => {
      log.push('durable?');
      return options.manualDurable ? new Promise((resolve) => syncs.push(resolve)) : Promise.resolve();
    },
    event: (type) => log.push(`event ${type}`),
    close: async () => {},
    at: 0,
    backlog: 0,
    drained: async () => {},
  };
  const pipeline = createPipeline({
    policy: {
      hash: 'f'.repeat(64),
      decide: (input) => verdictOf(input.effects),
      decideAction: (input) => verdictOf(input.effects),
    },
    approvals: {
      coveredBy: () => null,
      sessionClosed: () => {},
      hold: (operation, verdict) => {
        const id = `a${++approvals}`;
        let settle: (outcome: HoldOutcome) => void = () => {};
        const outcome = new Promise<HoldOutcome>((resolve) => {
          settle = resolve;
        });
        const finish = (state: HoldOutcome['state']) =>
          settle({ state, approval: approvalOf(id, state, operation, verdict) });
        held.push({ operation, settle: finish });
        return {
          approvalId: id,
          outcome,
          withdraw: () => finish('withdrawn'),
          setEstimate: () => {},
          setPreview: () => {},
        };
      },
    },
  });
  const connection = Connection.parse({
    id: 'demo',
    kind: 'postgres',
    host: 'h',
    user: 'app',
    database: 'shop',
    mode: options.mode ?? 'enforce',
  });
  const session: Session = {
    id: 's1',
    state: 'open',
    connectionId: 'demo',
    protocol: 'postgres',
    database: 'shop',
    role: 'app',
    applicationName: 'test',
    identity: { subject: 'alice', display: 'alice', kind: 'local', verified: false, groups: [] },
    agent: { pid: null, name: 'unknown', parents: [] },
    conversationId: null,
    mode: connection.mode,
    openedAt: '2026-01-01T00:00:00.000Z',
    closedAt: null,
    statements: 0,
    asked: 0,
    denied: 0,
    errors: 0,
    rows: 0,
    bytesUp: 0,
    bytesDown: 0,
    masked: {},
  };
  const deps: RelayDeps = {
    session,
    connection,
    io: {
      toClient: (pieces) => {
        const bytes = join(...pieces);
        toClient.push(bytes);
        log.push(`client< ${frames(bytes, 'backend')}`);
      },
      toServer: (pieces) => {
        const bytes = join(...pieces);
        toServer.push(bytes);
        log.push(`server> ${frames(bytes)}`);
      },
      pauseClient: () => log.push('pause client'),
      resumeClient: () => log.push('resume client'),
      endServer: () => log.push('end server'),
      finish: (reason) => log.push(`finish: ${reason}`),
    },
    recorder,
    pipeline,
    classifier: { classify, classifyLarge: async (text, context) => classify(text, context) },
    masking: options.masking ?? null,
    database: {
      catalog: CATALOG,
      stale: false,
      invalidate: () => {},
      refresh: async () => {},
      estimate: async () => null,
      functionName: async () => 'pg_catalog.now',
    },
    digest: () => 'd'.repeat(64),
    monotonic: () => 0,
    unexpected: (error) => {
      throw error;
    },
    parameters: new Map(),
  };
  return {
    relay: new Relay(deps),
    log,
    toServer,
    toClient,
    requested,
    statements,
    held,
    session,
    diskSynced: () => syncs.shift()?.(),
  };
}

function approvalOf(id: string, state: HoldOutcome['state'], operation: Operation, verdict: Verdict): Approval {
  return {
    id,
    state,
    operation,
    verdict,
    estimatedRows: null,
    createdAt: '',
    expiresAt: '',
    latestAt: '',
    decidedAt: '',
    decidedBy: state === 'approved' || state === 'denied' ? 'alice' : null,
    channel: 'console',
    message: state === 'denied' ? 'not today' : null,
    grantId: null,
  };
}

/** Message types of a run of whole frames, with the text of those that carry one: "Q(SELECT 1) S". */
export function frames(bytes: Uint8Array, direction: 'frontend' | 'backend' = 'frontend'): string {
  const names: string[] = [];
  let at = 0;
  while (at + 5 <= bytes.length) {
    const type = String.fromCharCode(bytes[at]!);
    const length = new DataView(bytes.buffer, bytes.byteOffset + at + 1).getUint32(0);
    const body = bytes.subarray(at + 5, at + 1 + length);
    const text =
      direction === 'frontend' && 'QE'.includes(type) ? new TextDecoder().decode(body).replace(/\0.*/s, '') : '';
    names.push(text ? `${type}(${text})` : type);
    at += 1 + length;
  }
  if (at !== bytes.length) names.push(`…${bytes.length - at}`);
  return names.join(' ');
}

/** What the server answers. */
export const server = {
  ready: (status: 'idle' | 'transaction' | 'failed' = 'idle') => writeReadyForQuery(status),
  complete: writeCommandComplete,
  row: (...values: string[]) => writeDataRow(values.map((value) => new TextEncoder().encode(value))),
  columns: (...names: string[]) =>
    writeRowDescription(
      names.map((name) => ({
        name,
        tableOid: 0,
        columnNumber: 0,
        typeOid: 25,
        typeModifier: -1,
        format: 'text' as const,
      })),
    ),
  error: (sqlstate: string, message = 'no') => writeErrorResponse({ severity: 'ERROR', sqlstate, message }),
  parsed: () => writeMessage(backend.ParseComplete, new Uint8Array()),
  bound: () => writeMessage(backend.BindComplete, new Uint8Array()),
  closed: () => writeMessage(backend.CloseComplete, new Uint8Array()),
  noData: () => writeMessage(backend.NoData, new Uint8Array()),
  copyIn: () => writeMessage(backend.CopyInResponse, new Uint8Array([0, 0, 1, 0, 0])),
};

export function join(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Lets everything that was settled run. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

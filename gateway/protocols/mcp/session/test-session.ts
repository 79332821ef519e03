import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApprovals } from '../../../approvals/approvals.ts';
import { actionDigest } from '../../../approvals/digest.ts';
import type { Verdict } from '../../../contract/decision.ts';
import { McpServer, type McpServerInput } from '../../../contract/mcp.ts';
import { createPipeline } from '../../../pipeline/pipeline.ts';
import type { ActionInput, RecorderSessionInfo, StatementSummary } from '../../../pipeline/ports.ts';
import type { JsonObject } from '../codec/json.ts';
import type { Message } from '../codec/message.ts';
import { createToolPins, type ToolPins } from '../pins.ts';
import type { McpDeps, UpstreamSink } from '../ports.ts';
import { openSession } from './open.ts';

const HASH = 'ab'.repeat(32);

export const verdict = (effect: Verdict['effect'], more: Partial<Verdict> = {}): Verdict => ({
  effect,
  policyIds: [`rule-${effect}`],
  policyHash: HASH,
  reason: `The rule says ${effect}.`,
  level: 'click',
  expiresSeconds: 540,
  grantable: true,
  ...more,
});

/** What a test tool looks like in tools/list. */
export const tool = (name: string, more: JsonObject = {}): JsonObject => ({
  name,
  description: `What ${name} does.`,
  inputSchema: { type: 'object' },
  ...more,
});

/** A session without sockets: what each side was sent, in order, and time that only the test moves. */
export function testSession(options: {
  server?: Partial<McpServerInput>;
  tools?: JsonObject[];
  decide?: (input: Extract<ActionInput, { action: 'callTool' }>) => Verdict;
  pins?: ToolPins;
}) {
  let now = Date.parse('2026-11-21T12:00:00Z');
  const timers = new Set<{ at: number; run: () => void }>();
  const after = (milliseconds: number, run: () => void) => {
    const timer = { at: now + milliseconds, run };
    timers.add(timer);
    return () => void timers.delete(timer);
  };
  const server = McpServer.parse({ name: 'files', transport: { type: 'stdio', command: 'x' }, ...options.server });
  const pins = options.pins ?? createToolPins({ file: join(mkdtempSync(join(tmpdir(), 'cs-pins-')), 'pins.json') });
  let ids = 0;
  const approvals = createApprovals({
    clock: { now: () => now },
    newId: () => `A${++ids}`,
    schedule: after,
    onEvent: () => {},
  });
  const inputs: Extract<ActionInput, { action: 'callTool' }>[] = [];
  const events: { type: string; detail: Record<string, unknown> }[] = [];
  const recorded = { up: '', down: '', statements: [] as StatementSummary[], info: null as RecorderSessionInfo | null };
  let sealed: string | null = null;
  let failure: Error | null = null;
  const check = () => {
    if (failure) throw failure;
    if (sealed !== null) throw new Error('the recording is sealed');
  };
  const toClient: JsonObject[] = [];
  const toServer: (Message & { params?: JsonObject })[] = [];
  let closed: string | null = null;
  let sink!: UpstreamSink;

  const deps: McpDeps = {
    pipeline: createPipeline({
      policy: {
        hash: HASH,
        decide: () => verdict('deny'),
        decideAction(input) {
          if (input.action !== 'callTool') return verdict('deny');
          inputs.push(input);
          return (options.decide ?? (() => verdict('allow')))(input);
        },
      },
      approvals,
    }),
    approvals,
    recorder: {
      failure: null,
      onSealed: () => {},
      close: async () => {},
      open(info) {
        recorded.info = info;
        return {
          request(_exchange, bytes) {
            check();
            recorded.up += new TextDecoder().decode(bytes);
          },
          response(_exchange, bytes) {
            check();
            recorded.down += new TextDecoder().decode(bytes);
          },
          statement(_exchange, summary) {
            check();
            recorded.statements.push(summary);
          },
          end: check,
          durable: async () => check(),
          event(type, detail) {
            check();
            events.push({ type, detail });
          },
          async close(reason) {
            sealed = reason;
          },
          at: 0,
          backlog: 0,
          drained: async () => {},
        };
      },
    },
    live: { opened: () => {}, changed: () => {}, closed: () => {} },
    clock: { now: () => now },
    pins,
    newSessionId: () => 'S1',
    digest: actionDigest,
    identity: () => ({ subject: 'ada', display: 'Ada', kind: 'local', verified: false, groups: [] }),
    maskingKey: () => createHash('sha256').update('key').digest(),
    heldBecause: () => null,
    after,
    protection: 'unprotected',
    log: { info: () => {}, error: (detail) => console.error(detail) },
  };

  const session = openSession(
    deps,
    {
      server,
      open(made) {
        sink = made;
        return { send: (message) => void toServer.push(message), close: async () => {} };
      },
    },
    { process: { pid: null, name: 'unknown', parents: [] }, identity: null, conversationId: 'C1', agent: 'cursor' },
    '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"clientInfo":{"name":"cursor","version":"3"}}}',
    {
      send: (text) => void toClient.push(JSON.parse(text) as JsonObject),
      closed(sentence) {
        closed = sentence;
      },
    },
  );

  const settle = async () => {
    for (let i = 0; i < 30; i += 1) await Promise.resolve();
  };
  const run = {
    session,
    approvals,
    inputs,
    events,
    recorded,
    toClient,
    toServer,
    pins,
    get closed() {
      return closed;
    },
    get sealed() {
      return sealed;
    },
    /** From now on every call of the recorder fails. */
    breakRecorder(error: Error) {
      failure = error;
    },
    async client(message: JsonObject | string) {
      session.receive(typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message }));
      await settle();
    },
    async server(message: JsonObject | string) {
      await sink.message(typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message }), null);
      await settle();
    },
    async call(id: number, name: string, args: JsonObject = {}, meta?: JsonObject) {
      const params = { name, arguments: args, ...(meta ? { _meta: meta } : {}) };
      await run.client({ id, method: 'tools/call', params });
      await run.answerLists();
    },
    /** Answers the gateway's own requests for the list of tools. */
    async answerLists(tools = options.tools ?? []) {
      for (const message of [...toServer]) {
        if (message.kind !== 'request' || message.method !== 'tools/list') continue;
        if (!String(message.id).startsWith('countersign:')) continue;
        toServer.splice(toServer.indexOf(message), 1);
        await run.server({ id: message.id, result: { tools } });
      }
    },
    calls: () => toServer.filter((message) => message.kind === 'request' && message.method === 'tools/call'),
    answerTo: (id: number) => toClient.find((message) => message.id === id),
    decide(decision: 'approve' | 'deny', message: string | null = null) {
      const { items } = approvals.list({ state: 'waiting', offset: 0, limit: 10 });
      const { id, operation } = items[0]!;
      approvals.decide({
        approvalId: id,
        digest: operation.digest,
        decision,
        scope: { kind: 'once' },
        message,
        channel: 'console',
        level: 'pin',
        decidedBy: 'Ada',
      });
      return settle();
    },
    waiting: () => approvals.list({ state: 'waiting', offset: 0, limit: 10 }).items,
    async pass(milliseconds: number) {
      const until = now + milliseconds;
      for (;;) {
        const next = [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        timers.delete(next);
        now = Math.max(now, next.at);
        next.run();
        await settle();
      }
      now = until;
    },
    settle,
  };
  return run;
}

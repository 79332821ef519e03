import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApprovals } from '../../approvals/approvals.ts';
import { actionDigest } from '../../approvals/digest.ts';
import { testTime } from '../../approvals/test-operation.ts';
import type { Session } from '../../contract/session.ts';
import { KeepingRules } from '../../contract/sync.ts';
import { localIdentity } from '../../identity/local.ts';
import { createPipeline } from '../../pipeline/pipeline.ts';
import type { Recorder, RecorderSessionInfo, StatementSummary } from '../../pipeline/ports.ts';
import { createPolicyEngine, shippedPolicy } from '../../policy/index.ts';
import { createCommandClassifier } from '../terminal/classifier/index.ts';
import { isSecret, writeKind } from '../terminal/classifier/paths.ts';
import { createAgentEngine } from './engine.ts';
import type { AgentContext, AgentEvent, FileFact, FileWish, HookAnswer, HookCall } from './events.ts';
import type { AgentDeps } from './ports.ts';

/** Made once: both take their time. */
const classifier = createCommandClassifier();
const dir = mkdtempSync(join(tmpdir(), 'cs-agent-'));
const shipped = createPolicyEngine({ dir, shipped: shippedPolicy(), now: Date.now });
process.once('exit', () => rmSync(dir, { recursive: true, force: true }));

interface RecordedTestSession {
  info: RecorderSessionInfo;
  /** By exchange, as it was given. */
  up: string[];
  down: string[];
  statements: (StatementSummary & { exchange: number })[];
  ended: number[];
  events: { type: string; detail: Record<string, unknown> }[];
  closed: string | null;
}

/** The engine over the shipped policy, real approvals and the real classifier; files and the recording are made up. */
export async function startTestEngine(options: { deps?: Partial<AgentDeps> } = {}) {
  const time = testTime();
  const ids = { session: 0, approval: 0 };
  const sessions: RecordedTestSession[] = [];
  const state = { failing: false };
  const live = new Map<string, { session: Session; kill: (reason: string) => void }>();
  const files = new Map<string, string>();
  const links = new Map<string, string>();
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const approvals = createApprovals({
    clock: time.clock,
    newId: () => `approval-${++ids.approval}`,
    schedule: time.schedule,
    onEvent: () => {},
  });
  const policy = await shipped;
  const recorder: Recorder = {
    failure: null,
    onSealed: () => {},
    close: async () => {},
    open(info) {
      const session: RecordedTestSession = {
        info,
        up: [],
        down: [],
        statements: [],
        ended: [],
        events: [],
        closed: null,
      };
      sessions.push(session);
      const works = () => {
        if (state.failing) throw new Error('the disk is full');
        if (session.closed !== null) throw new Error('closed');
      };
      const add = (list: string[], exchange: number, bytes: Uint8Array) => {
        works();
        list[exchange] = (list[exchange] ?? '') + Buffer.from(bytes).toString();
      };
      return {
        request: (exchange, bytes) => add(session.up, exchange, bytes),
        response: (exchange, bytes) => add(session.down, exchange, bytes),
        statement: (exchange, summary) => void session.statements.push({ exchange, ...summary }),
        end: (exchange) => void session.ended.push(exchange),
        durable: async () => works(),
        event(type, detail) {
          works();
          session.events.push({ type, detail });
        },
        close: async (reason) => {
          session.closed = reason;
        },
        at: 0,
        backlog: 0,
        drained: async () => {},
      };
    },
  };
  const loaded = await classifier;
  const engine = createAgentEngine({
    pipeline: createPipeline({ policy, approvals }),
    approvals,
    recorder,
    live: {
      opened: (session, kill) => void live.set(session.id, { session, kill }),
      changed: () => {},
      closed: (session) => void live.delete(session.id),
    },
    clock: time.clock,
    schedule: time.schedule,
    newSessionId: () => `session-${++ids.session}`,
    digest: actionDigest,
    identity: () => localIdentity('dev'),
    protection: 'unprotected',
    understanding: {
      command: (text, context) => loaded.classifyCommand(text, context),
      wishes: (text) => (text.startsWith('rm ') ? [{ kind: 'remove', paths: text }] : []),
      isSecret: (path, place) => isSecret(path, place, false, false),
      writeKind,
      mcpFiles: () => ['/home/dev/.cursor/mcp.json'],
      throughProxy: (server, [text]) => text !== null && text !== undefined && (server ?? text) === text,
      sha256,
      keyed: (text) => createHmac('sha256', 'key').update(text).digest('hex'),
    },
    keeping: () => KeepingRules.parse({}),
    withheld: () => {},
    heldBecause: () => null,
    undo: { keep: () => {}, left: () => {}, has: () => false, get: () => Promise.reject() as never },
    inTerminal: () => null,
    log: { warn: () => {}, error: () => {} },
    ...options.deps,
  });

  function fact(path: string, want: FileWish['want']): FileFact {
    const real = links.get(path) ?? path;
    const content = files.get(real);
    const folder = path === '/shop' || path === '/home/dev';
    return {
      path,
      real,
      sha256: content === undefined || want === 'place' ? null : sha256(content),
      text: want === 'text' && content !== undefined ? content : null,
      state: content !== undefined ? 'file' : folder ? 'folder' : 'missing',
    };
  }

  const context: AgentContext = {
    agent: 'cursor',
    version: '1',
    conversationId: 'c1',
    model: 'm',
    workspaces: ['/shop'],
    cwd: null,
    rewrites: 'any',
  };
  const call = (more: Partial<HookCall> = {}): HookCall => ({
    files: async (wishes) => wishes.map(({ path, want }) => fact(path, want)),
    look: async () => null,
    deadlineMs: 590_000,
    signal: new AbortController().signal,
    home: '/home/dev',
    pid: 7,
    ...more,
  });
  return {
    engine,
    time,
    approvals,
    sessions,
    live,
    files,
    links,
    state,
    context,
    send: (event: AgentEvent, more: Partial<AgentContext> = {}, how: Partial<HookCall> = {}): Promise<HookAnswer> =>
      engine.handle(event, { ...context, ...more }, call(how)),
    /** The requests that wait, once there are so many. */
    async waiting(count: number) {
      for (let tries = 0; tries < 200 && approvals.waiting !== count; tries += 1)
        await new Promise((resolve) => setImmediate(resolve));
      return approvals.list({ offset: 0, limit: 100, state: 'waiting' }).items;
    },
    decide(approvalId: string, decision: 'approve' | 'deny', message: string | null = null) {
      const approval = approvals.get(approvalId)!;
      return approvals.decide({
        approvalId,
        digest: approval.operation.digest,
        decision,
        scope: { kind: 'once' },
        message,
        channel: 'console',
        level: 'pin',
        decidedBy: 'ada',
      });
    },
    async stop() {
      await engine.close('the test is over');
      approvals.close();
    },
  };
}

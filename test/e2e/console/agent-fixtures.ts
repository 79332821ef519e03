import type { ExchangeText, Session, Statement } from '../../../gateway/contract/session.ts';
import { session } from './fixtures.ts';

/** A conversation of an agent, and the database session that it opened. */
export const TALK = 'talk-1';
export const AGENT_SESSION = 'A0001';

const iso = (ms: number) => new Date(ms).toISOString();

export function agentSession(now: number): Session {
  return {
    ...session(now, 0),
    id: AGENT_SESSION,
    state: 'closed',
    connectionId: 'cursor',
    protocol: 'agent',
    database: '/home/alice/shop',
    role: '',
    applicationName: 'cursor 2.1',
    agent: { pid: 900, name: 'cursor', parents: [] },
    conversationId: TALK,
    openedAt: iso(now - 600_000),
    closedAt: iso(now - 60_000),
    statements: SAID.length,
    asked: 1,
    denied: 1,
    errors: 1,
    rows: 0,
    masked: {},
  };
}

export const sessionsOf = (now: number): Session[] => [
  { ...session(now, 0), conversationId: TALK, openedAt: iso(now - 480_000) },
  agentSession(now),
];

const DIFF = `--- src/total.ts
+++ src/total.ts
@@ -1,4 +1,5 @@
 export function total(lines: Line[]) {
-  return lines.reduce((sum, line) => sum + line.price, 0);
+  // Prices are in cents.
+  return lines.reduce((sum, line) => sum + line.price * line.quantity, 0);
 }
 
`;

interface Said {
  op: string;
  text: string;
  verdict?: Statement['verdict'];
  class?: Statement['class'];
  down?: Record<string, unknown>[];
  up?: Record<string, unknown>;
}

const SAID: readonly Said[] = [
  {
    op: 'Prompt',
    text: 'The order totals are wrong.\nPlease find out why, and fix it.',
    up: { event: 'sendPrompt', attachments: ['src/total.ts'] },
  },
  { op: 'Thought', text: 'The quantity may be missing from the sum.' },
  { op: 'Read', text: '/home/alice/shop/src/total.ts', down: [{ content: 'export function total() {}\u202e\n' }] },
  {
    op: 'Shell',
    text: 'npm test -- total',
    verdict: 'asked-approved',
    class: 'execute',
    down: [{ outcome: 'failed', output: '1 failed: expected 30, got 10\n', error: 'exit 1', durationMs: 2400 }],
  },
  { op: 'Write', text: DIFF, class: 'write', down: [{ outcome: 'ok', output: null, error: null, durationMs: 4 }] },
  {
    op: 'Shell',
    text: 'rm -rf / --no-preserve-root',
    verdict: 'denied',
    class: 'destructive',
    up: { event: 'shell', withheld: { fields: ['text'], bytes: 2048, rule: 'kept on the device' } },
  },
  { op: 'Answer', text: 'The sum left out the quantity; it is fixed now.' },
];

export function agentStatement(now: number, index: number): Statement {
  const said = SAID[index]!;
  const denied = said.verdict === 'denied';
  return {
    sessionId: AGENT_SESSION,
    index,
    exchange: index,
    startedAt: iso(now - 600_000 + index * 60_000),
    durationMs: 900,
    heldMs: 0,
    text: said.text,
    parameters: [],
    op: said.op,
    class: said.class ?? 'read',
    verdict: said.verdict ?? 'allowed',
    policyIds: denied ? ['commands-that-destroy-ask'] : ['agents'],
    approvalId: null,
    decidedBy: said.verdict === 'asked-approved' ? 'alice' : null,
    rows: 0,
    tag: denied ? null : said.op,
    error: denied ? { sqlstate: 'DENIED', message: 'It destroys files.' } : null,
    columns: [],
    masked: {},
  };
}

export function agentExchange(index: number): ExchangeText {
  const { up = {}, down = [] } = SAID[index]!;
  const lines = (all: readonly Record<string, unknown>[]) => all.map((line) => `${JSON.stringify(line)}\n`).join('');
  return { up: lines([up]), down: lines(down), truncated: false, damaged: false };
}

import { type ApiEvent, type RouteInput, type RouteName, type RouteOutput, routes } from '../contract/api.ts';
import type { Approval } from '../contract/decision.ts';
import type { Cli } from './cli.ts';
import { createProgram, runProgram } from './program.ts';

type Handlers = { [N in RouteName]?: (input: RouteInput<N>) => RouteOutput<N> };

/** Runs a command against made-up answers; what it says, asks and calls is kept. */
export async function runCommand(
  args: readonly string[],
  given: {
    answers?: Handlers;
    typed?: readonly string[];
    events?: readonly ApiEvent[];
    env?: NodeJS.ProcessEnv;
    home?: string;
  } = {},
) {
  const out: string[] = [];
  const notes: string[] = [];
  const asked: Array<{ question: string; shown: boolean }> = [];
  const calls: Array<{ name: RouteName; input: unknown }> = [];
  const typed = [...(given.typed ?? [])];
  let code = 0;
  const answer = (question: string, shown: boolean) => {
    asked.push({ question, shown });
    const next = typed.shift();
    if (next === undefined) throw new Error(`nobody answers: ${question}`);
    return Promise.resolve(next);
  };
  const cli: Cli = {
    out: (line) => out.push(line),
    note: (line) => notes.push(line),
    env: given.env ?? {},
    home: () => given.home ?? '/nowhere',
    control: () => ({
      async call(name, input) {
        calls.push({ name, input });
        const handler = given.answers?.[name];
        if (handler === undefined) throw new Error(`no answer to ${name}`);
        routes[name].input.parse(input);
        return handler(input);
      },
      async events(listener) {
        for (const event of given.events ?? []) listener(event);
      },
    }),
    prompt: { line: (question) => answer(question, true), secret: (question) => answer(question, false) },
    signal: new AbortController().signal,
    exitWith: (exit) => {
      code = exit;
    },
  };
  const failed = await runProgram(await createProgram(cli, args), args, cli);
  return { code: code || failed, out: out.join('\n'), notes: notes.join('\n'), asked, calls };
}

export const DIGEST = 'd1'.repeat(32);

/** A request that waits: a DELETE of everything, by a process with a parent. */
export function waitingApproval(changes: Partial<Approval> = {}): Approval {
  const identity = { subject: 'ada', display: 'Ada', kind: 'local', verified: false, groups: [] } as const;
  return {
    id: 'A1',
    state: 'waiting',
    operation: {
      sessionId: 'S1',
      identity: { ...identity, groups: [] },
      agent: { pid: 42, name: 'cursor', parents: [{ pid: 7, name: 'bash' }] },
      connectionId: 'demo',
      protocol: 'postgres',
      database: 'shop',
      role: 'shop_app',
      searchPath: '"$user", public',
      text: 'DELETE FROM orders',
      parameters: [],
      transaction: 'idle',
      effects: {
        class: 'destructive',
        ops: ['DELETE'],
        flags: ['no-where'],
        reads: [],
        writes: [{ schema: null, name: 'orders', columns: ['*'] }],
        filtersOn: [],
        functions: [],
        words: ['Deletes every row of orders (no WHERE)'],
        fingerprint: '0123456789abcdef',
        shape: 'DELETE FROM orders',
      },
      digest: DIGEST,
    },
    verdict: {
      effect: 'ask',
      policyIds: ['destructive-asks'],
      policyHash: 'ab'.repeat(32),
      reason: 'Statements that destroy need a person.',
      level: 'pin',
      expiresSeconds: 600,
      grantable: false,
    },
    estimatedRows: 3000,
    createdAt: new Date(Date.now() - 5_000).toISOString(),
    expiresAt: new Date(Date.now() + 595_000).toISOString(),
    latestAt: new Date(Date.now() + 6_595_000).toISOString(),
    decidedAt: null,
    decidedBy: null,
    channel: null,
    message: null,
    grantId: null,
    ...changes,
  };
}

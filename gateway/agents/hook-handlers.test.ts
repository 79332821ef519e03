import { expect, test } from 'vitest';
import { testTime } from '../approvals/test-operation.ts';
import type { HookInput } from '../contract/hooks.ts';
import type { CallContext } from '../control/handlers.ts';
import type { AgentContext, AgentEvent, HookAnswer, HookCall } from '../protocols/agent/events.ts';
import { createHookHandlers } from './hook-handlers.ts';

const ALLOW: HookAnswer = { permission: 'allow', message: '', command: null, approved: false };
const INPUT: HookInput = {
  agent: 'cursor',
  event: { hook_event_name: 'preToolUse', tool_name: 'Shell', tool_input: { command: 'ls' } },
  timeoutMs: 60_000,
  home: '/home/dev',
};

/** The routes over an engine that does as the test says. */
function start(handle: (call: HookCall, event: AgentEvent, context: AgentContext) => Promise<HookAnswer>) {
  const time = testTime();
  let tickets = 0;
  const handlers = createHookHandlers({
    engine: { handle: (event, context, call) => handle(call, event, context), close: async () => {} },
    newTicket: () => `ticket-${++tickets}`,
    schedule: time.schedule,
  });
  const gone = new AbortController();
  const context: CallContext = { channel: 'terminal', decidedBy: 'dev', level: 'click', signal: gone.signal };
  return { handlers, time, gone, context };
}
const file = (path: string) => ({ path, real: path, sha256: null, text: 'x', state: 'file' as const });

test('an event is answered at once, or after as many looks as it takes', async () => {
  const { handlers, context } = start(async (call) => {
    const [a] = await call.files([{ path: '/a', want: 'text' }]);
    // Two at once are asked for one after the other: the client has one request under way.
    const [b, c] = await Promise.all(['/b', '/c'].map((path) => call.files([{ path, want: 'place' }])));
    return { ...ALLOW, message: [a?.path, b?.[0]?.path, c?.[0]?.path].join(' ') };
  });
  const wanted = (path: string, want: string) => ({ want: { ticket: 'ticket-1', files: [{ path, want }] } });
  expect(await handlers.hook(INPUT, context)).toEqual(wanted('/a', 'text'));
  const look = (path: string) => handlers.hookFiles({ ticket: 'ticket-1', files: [file(path)] }, context);
  expect(await look('/a')).toEqual(wanted('/b', 'place'));
  expect(await look('/b')).toEqual(wanted('/c', 'place'));
  expect(await look('/c')).toEqual({ answer: { ...ALLOW, message: '/a /b /c' } });
  await expect(look('/c')).rejects.toMatchObject({ code: 'HOOK_UNKNOWN' });
});

test('what a command would touch is told while it waits, and the answer waits for nothing but the client', async () => {
  const told: string[] = [];
  const decided = Promise.withResolvers<void>();
  const { handlers, context } = start(async (call) => {
    await call.look({ wishes: [{ kind: 'mention' }], how: 'preview', told: ({ state }) => told.push(state) });
    await decided.promise;
    const kept = await call.look({ wishes: [{ kind: 'remove' }], how: 'keep', told: () => {} });
    return { ...ALLOW, message: kept?.undo.sentence ?? 'nothing' };
  });
  const ticket = 'ticket-1';
  const look = (kind: string, how: string) => ({ look: { ticket, wishes: [{ kind }], how } });
  expect(await handlers.hook(INPUT, context)).toEqual(look('mention', 'preview'));
  const answer = handlers.hookFiles({ ticket, files: [] }, context);
  await handlers.hookPreview({ ticket, preview: { kind: 'command', state: 'done', parts: [], undo: null } }, context);
  expect(told).toEqual(['done']);
  decided.resolve();
  expect(await answer).toEqual(look('remove', 'keep'));
  const kept = { files: [], pushes: [], undo: { can: 'all' as const, sentence: 'kept' } };
  expect(await handlers.hookFiles({ ticket, files: [], kept }, context)).toEqual({
    answer: { ...ALLOW, message: 'kept' },
  });
  // It came too late to matter.
  await handlers.hookPreview({ ticket, preview: { kind: 'command', state: 'done', parts: [], undo: null } }, context);
  expect(told).toEqual(['done']);
});

test('the project’s folder comes from the hook’s surroundings where the event does not say it', async () => {
  const seen: AgentContext[] = [];
  const { handlers, context } = start(async (_, __, about) => {
    seen.push(about);
    return ALLOW;
  });
  await handlers.hook({ ...INPUT, projectDir: '/shop' }, context);
  await handlers.hook({ ...INPUT, event: { ...INPUT.event, workspace_roots: ['/own'] }, projectDir: '/shop' }, context);
  await handlers.hook({ ...INPUT, projectDir: 'relative', plain: true }, context);
  expect(seen.map(({ workspaces }) => workspaces)).toEqual([['/shop'], ['/own'], []]);
  expect(seen.map(({ rewrites }) => rewrites)).toEqual(['any', 'any', 'none']);
  expect(seen[0]?.agent).toBe('cursor');
});

test('a client that goes away ends what waits for it, in any of its requests', async () => {
  const signals: AbortSignal[] = [];
  const { handlers, context, gone } = start((call) => {
    signals.push(call.signal);
    return new Promise(() => {});
  });
  const waits = handlers.hook(INPUT, context);
  gone.abort();
  await expect(waits).rejects.toMatchObject({ code: 'HOOK_GONE' });
  expect(signals[0]?.aborted).toBe(true);
});

test('a client that does not look is not waited for', async () => {
  const failures: string[] = [];
  const { handlers, context, time } = start(async (call) => {
    await call.files([{ path: '/a', want: 'text' }]).catch((error) => failures.push(error.code));
    return ALLOW;
  });
  await handlers.hook(INPUT, context);
  time.pass(20_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(failures).toEqual(['HOOK_GONE']);
  await expect(async () => handlers.hookFiles({ ticket: 'ticket-1', files: [] }, context)).rejects.toMatchObject({
    code: 'HOOK_UNKNOWN',
  });
});

test('more events than can wait are refused', async () => {
  const { handlers, context } = start(() => new Promise(() => {}));
  for (let n = 0; n < 512; n += 1) void handlers.hook(INPUT, context);
  await expect(async () => handlers.hook(INPUT, context)).rejects.toMatchObject({ code: 'HOOKS_FULL' });
});

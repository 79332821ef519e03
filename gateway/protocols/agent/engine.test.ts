import { afterEach, describe, expect, test } from 'vitest';
import { canonicalAction } from '../../contract/operation-digest.ts';
import type { AgentAction, AgentEvent, Outcome } from './events.ts';
import { startTestEngine } from './test-engine.ts';

type Harness = Awaited<ReturnType<typeof startTestEngine>>;
let h: Harness;
const start = async (...args: Parameters<typeof startTestEngine>) => {
  h = await startTestEngine(...args);
  return h;
};
afterEach(() => h.stop());

const shell = (command: string, cwd: string | null = null): AgentAction => ({
  kind: 'shell',
  tool: 'Shell',
  command,
  cwd,
});
const write = (path: string, text: string): AgentAction => ({
  kind: 'write',
  tool: 'Write',
  path,
  change: { kind: 'content', text },
});
const read = (path: string, content: string | null = null): AgentAction => ({
  kind: 'read',
  tool: 'Read',
  path,
  content,
});
const ask = (action: AgentAction, id: string | null = null, phase: 'first' | 'second' = 'first'): AgentEvent => ({
  type: 'ask',
  phase,
  id,
  action,
});
const done = (action: AgentAction, id: string | null, outcome: Partial<Outcome> = {}, final = true): AgentEvent => ({
  type: 'done',
  id,
  action,
  outcome: { ok: true, output: '', error: null, durationMs: 1, ...outcome },
  final,
});
const lines = (text: string | undefined) =>
  (text ?? '')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
/** Everything that was recorded, as one text. */
const everything = () => JSON.stringify(h.sessions);

describe('one action', () => {
  test('that policy allows is allowed, recorded before, and ends with its outcome', async () => {
    await start();
    expect(await h.send(ask(shell('ls -l'), 'a'))).toEqual({
      permission: 'allow',
      message: '',
      command: null,
      approved: false,
    });
    const [session] = h.sessions;
    expect(session?.info).toMatchObject({
      connection: { id: 'cursor', kind: 'agent' },
      conversationId: 'c1',
      database: '/shop',
    });
    expect(lines(session?.up[0])).toMatchObject([{ event: 'shell', tool: 'Shell', command: 'ls -l', cwd: '/shop' }]);
    expect(session?.ended).toEqual([]);
    await h.send(done(shell('ls -l'), 'a', { output: 'one\ntwo' }));
    expect(lines(session?.down[0])).toMatchObject([{ answer: 'allow' }, { outcome: 'ok', output: 'one\ntwo' }]);
    expect(session?.statements).toMatchObject([
      { exchange: 0, op: 'Shell', text: 'ls -l', class: 'read', error: null },
    ]);
    expect(session?.ended).toEqual([0]);
  });

  test('that needs a person waits for one, bound to what anybody can recompute', async () => {
    await start();
    const answer = h.send(ask(shell('curl https://example.com'), 'a'));
    const [approval] = await h.waiting(1);
    expect(approval?.operation).toMatchObject({ protocol: 'agent', tool: 'Shell', place: '/shop' });
    h.decide(approval!.id, 'approve');
    expect(await answer).toMatchObject({ permission: 'allow' });
    const { events } = h.sessions[0]!;
    expect(events.map(({ type }) => type)).toEqual(['asked', 'operation', 'decided']);
    const { tool, place, text, bindings } = events[1]!.detail as never;
    const { createHash } = await import('node:crypto');
    const made = canonicalAction({
      sessionId: 'session-1',
      subject: 'local:dev',
      connectionId: 'cursor',
      protocol: 'agent',
      tool,
      place,
      text,
      bindings,
    });
    expect(createHash('sha256').update(made).digest('hex')).toBe(events[0]!.detail.digest);
  });

  test('that a person denies is denied with the sentence', async () => {
    await start();
    const answer = h.send(ask(shell('rm -rf build')));
    const [approval] = await h.waiting(1);
    h.decide(approval!.id, 'deny', 'use make clean');
    expect(await answer).toMatchObject({ permission: 'deny', message: expect.stringContaining('use make clean') });
    expect(h.sessions[0]?.statements).toMatchObject([{ error: 'DENIED', own: true }]);
    expect(h.sessions[0]?.ended).toEqual([0]);
  });

  test('is denied before the agent’s own time limit, and when the agent goes away', async () => {
    await start();
    const late = h.send(ask(shell('curl a.example')), {}, { deadlineMs: 55_000 });
    await h.waiting(1);
    h.time.pass(55_000);
    expect(await late).toMatchObject({ permission: 'deny' });
    const gone = new AbortController();
    const left = h.send(ask(shell('curl b.example')), {}, { signal: gone.signal });
    await h.waiting(1);
    gone.abort();
    expect(await left).toMatchObject({ permission: 'deny' });
    expect(h.approvals.waiting).toBe(0);
  });

  test('is denied when it cannot be recorded', async () => {
    await start();
    await h.send({ type: 'session-start' });
    h.state.failing = true;
    expect(await h.send(ask(shell('ls')))).toMatchObject({ permission: 'deny' });
    expect(await h.send({ type: 'answer', text: 'x' })).toMatchObject({ permission: null });
  });

  test('is denied when the session is ended while it waits', async () => {
    await start();
    const answer = h.send(ask(shell('curl a.example')));
    await h.waiting(1);
    h.live.get('session-1')?.kill('a person ended it');
    expect(await answer).toMatchObject({ permission: 'deny' });
    expect(h.approvals.waiting).toBe(0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(h.sessions[0]).toMatchObject({ closed: 'a person ended it' });
    expect(h.sessions[0]?.events.map(({ type }) => type)).toContain('decided');
  });
});

describe('the events of one action', () => {
  test('are asked about once', async () => {
    await start();
    const first = h.send(ask(shell('curl a.example'), 'a'));
    const second = h.send(ask(shell('curl a.example', '/shop'), null, 'second'));
    const [approval] = await h.waiting(1);
    h.decide(approval!.id, 'approve');
    expect(await Promise.all([first, second])).toMatchObject([{ permission: 'allow' }, { permission: 'allow' }]);
    await h.send(done(shell('curl a.example'), null, { output: 'body' }, false));
    await h.send(done(shell('curl a.example'), 'a', { output: 'body' }));
    expect(h.sessions[0]?.statements).toHaveLength(1);
    expect(h.approvals.list({ offset: 0, limit: 10, state: 'all' }).total).toBe(1);
  });

  test('of two equal actions at once need two decisions', async () => {
    await start();
    const asked = [
      h.send(ask(shell('curl a.example'), 'a')),
      h.send(ask(shell('curl a.example'), 'b')),
      h.send(ask(shell('curl a.example'), null, 'second')),
      h.send(ask(shell('curl a.example'), null, 'second')),
    ];
    const waiting = await h.waiting(2);
    const byDigest = new Map(waiting.map((one) => [one.id, one]));
    expect(byDigest.size).toBe(2);
    h.decide(waiting[0]!.id, 'approve');
    h.decide(waiting[1]!.id, 'deny');
    const answers = (await Promise.all(asked)).map(({ permission }) => permission);
    expect(answers.filter((one) => one === 'allow')).toHaveLength(2);
    expect(answers.filter((one) => one === 'deny')).toHaveLength(2);
    expect(answers[0]).toBe(answers[2]);
  });

  test('a decision counts once: a third event of a kind is asked about again', async () => {
    await start();
    const first = h.send(ask(shell('curl a.example'), 'a'));
    h.decide((await h.waiting(1))[0]!.id, 'approve');
    await first;
    expect(await h.send(ask(shell('curl a.example'), null, 'second'))).toMatchObject({ permission: 'allow' });
    const third = h.send(ask(shell('curl a.example'), null, 'second'));
    h.decide((await h.waiting(1))[0]!.id, 'deny');
    expect(await third).toMatchObject({ permission: 'deny' });
  });

  test('in another directory are of another action', async () => {
    await start();
    const first = h.send(ask(shell('curl a.example', '/shop/a'), 'a'));
    h.decide((await h.waiting(1))[0]!.id, 'approve');
    await first;
    const second = h.send(ask(shell('curl a.example', '/shop/b'), null, 'second'));
    h.decide((await h.waiting(1))[0]!.id, 'deny');
    expect(await second).toMatchObject({ permission: 'deny' });
  });

  test('told twice by two hook files are answered once', async () => {
    await start();
    const both = [h.send(ask(shell('curl a.example'), 'a')), h.send(ask(shell('curl a.example'), 'a'))];
    h.decide((await h.waiting(1))[0]!.id, 'approve');
    expect(await Promise.all(both)).toMatchObject([{ permission: 'allow' }, { permission: 'allow' }]);
  });

  test('with a rewritten command are recognised', async () => {
    await start({ deps: { inTerminal: ({ text }) => `countersign exec --approved t -- ${text}` } });
    const { command } = await h.send(ask(shell('ls'), 'a'));
    expect(command).toBe('countersign exec --approved t -- ls');
    expect(await h.send(ask(shell(command!), null, 'second'))).toMatchObject({ permission: 'allow' });
    await h.send(done(shell(command!), null, { output: 'x' }, false));
    await h.send(done(shell('ls'), 'a', { output: 'x' }));
    expect(h.sessions[0]?.statements).toMatchObject([{ text: 'ls' }]);
    expect(h.sessions[0]?.ended).toEqual([0]);
  });
});

describe('what a decision is bound to', () => {
  test('a script is bound by its content, and a change while it waits denies', async () => {
    await start();
    h.files.set('/shop/run.sh', 'curl a.example\n');
    const answer = h.send(ask(shell('bash run.sh')));
    const [approval] = await h.waiting(1);
    expect((approval!.operation as { bindings: { name: string }[] }).bindings.map(({ name }) => name)).toEqual([
      'file:/shop/run.sh',
    ]);
    h.files.set('/shop/run.sh', 'rm -rf /\n');
    h.decide(approval!.id, 'approve');
    expect(await answer).toMatchObject({ permission: 'deny', message: expect.stringContaining('has changed') });
  });

  test('a change between the first and the second event denies', async () => {
    await start();
    h.files.set('/shop/run.sh', 'curl a.example\n');
    const first = h.send(ask(shell('bash run.sh'), 'a'));
    h.decide((await h.waiting(1))[0]!.id, 'approve');
    await first;
    h.files.set('/shop/run.sh', 'rm -rf /\n');
    expect(await h.send(ask(shell('bash run.sh'), null, 'second'))).toMatchObject({ permission: 'deny' });
  });

  test('a write is shown as a difference and bound to what the file is before', async () => {
    await start();
    h.files.set('/etc/app.conf', 'a\nb\n');
    const answer = h.send(ask(write('/etc/app.conf', 'a\nc\n')));
    const [approval] = await h.waiting(1);
    expect(approval?.operation.text).toBe('--- /etc/app.conf\n+++ /etc/app.conf\n@@ -1,3 +1,3 @@\n a\n-b\n+c\n \n');
    h.files.set('/etc/app.conf', 'other\n');
    h.decide(approval!.id, 'approve');
    expect(await answer).toMatchObject({ permission: 'deny' });
  });
});

describe('files', () => {
  test('in the workspace are written without a question; before and after are recorded', async () => {
    await start();
    h.files.set('/shop/a.ts', 'old\n');
    const action: AgentAction = {
      kind: 'write',
      tool: 'StrReplace',
      path: 'a.ts',
      change: { kind: 'edits', edits: [{ before: 'old', after: 'new', all: false }] },
    };
    expect(await h.send(ask(action))).toMatchObject({ permission: 'allow' });
    expect(lines(h.sessions[0]?.up[0])).toMatchObject([{ path: '/shop/a.ts', before: 'old\n', after: 'new\n' }]);
  });

  test('behind a link count as where they are', async () => {
    await start();
    h.files.set('/home/dev/.ssh/id_ed25519', 'key');
    h.links.set('/shop/notes.txt', '/home/dev/.ssh/id_ed25519');
    const answer = h.send(ask(read('/shop/notes.txt')));
    const [approval] = await h.waiting(1);
    expect(approval?.verdict.policyIds).toContain('secrets-ask');
    h.decide(approval!.id, 'deny');
    expect(await answer).toMatchObject({ permission: 'deny' });
    h.links.set('/shop/out', '/home/dev/.bashrc');
    const shellAnswer = h.send(ask(shell('echo x >> out')));
    h.decide((await h.waiting(1))[0]!.id, 'deny');
    expect(await shellAnswer).toMatchObject({ permission: 'deny' });
  });

  test.each(['/shop/.cursor/hooks.json', '/home/dev/.cursor/mcp.json', '/home/dev/.local/share/countersign/pin.json'])(
    'that watch over the agent are not to be written: %s',
    async (path) => {
      await start();
      expect(await h.send(ask(write(path, '{}')))).toMatchObject({ permission: 'deny' });
      expect(await h.send(ask({ kind: 'delete', tool: 'Delete', path }))).toMatchObject({ permission: 'deny' });
      expect(await h.send(ask(shell(`echo {} > ${path}`)))).toMatchObject({ permission: 'deny' });
      expect(h.approvals.waiting).toBe(0);
    },
  );

  test.each(['/shop/.git/hooks/pre-commit', '/shop/.vscode/tasks.json', '/shop/.github/workflows/ci.yml'])(
    'that are run later are asked about: %s',
    async (path) => {
      await start();
      const answer = h.send(ask(write(path, 'x')));
      const [approval] = await h.waiting(1);
      expect(approval?.verdict.policyIds).toContain('start-files-ask');
      h.decide(approval!.id, 'deny');
      expect(await answer).toMatchObject({ permission: 'deny' });
    },
  );

  test('with secrets in them are asked about, and their content is not kept', async () => {
    await start();
    h.files.set('/shop/.env', 'A=1');
    const answer = h.send(ask(read('/shop/.env', 'DATABASE_PASSWORD=hunter2hunter2')));
    h.decide((await h.waiting(1))[0]!.id, 'approve');
    expect(await answer).toMatchObject({ permission: 'allow' });
    expect(everything()).not.toContain('hunter2');
  });
});

describe('secrets', () => {
  const TOKEN = `ghp_${'a1B2'.repeat(9)}`;

  test.each<[string, AgentEvent]>([
    ['a prompt', { type: 'prompt', text: `use ${TOKEN} please`, attachments: [] }],
    ['a command', ask(shell(`git clone https://x:${TOKEN}@github.com/a/b`))],
    ['a file', ask(write('/shop/deploy.sh', `export T=${TOKEN}\n`))],
    [
      'a tool’s argument',
      ask({ kind: 'call', tool: 'MCP:post', server: 'chat', input: { text: TOKEN }, target: null }),
    ],
  ])('in %s are asked about and not recorded', async (_, event) => {
    await start();
    const answer = h.send(event);
    const [approval] = await h.waiting(1);
    expect(approval?.verdict.policyIds).toContain('secrets-sent-ask');
    h.decide(approval!.id, 'approve');
    expect(await answer).toMatchObject({ permission: 'allow' });
    await h.send({ type: 'answer', text: `I used ${TOKEN}` });
    await h.send(done(shell('env'), null, { output: `T=${TOKEN}` }));
    expect(everything()).not.toContain(TOKEN);
    expect(everything()).toContain('SECRET_TOKEN');
    expect(JSON.stringify(approval)).not.toContain(TOKEN);
  });

  test('two commands that differ in their secret have two digests', async () => {
    await start();
    const asked = ['a', 'b'].map((c) => h.send(ask(shell(`curl -u x:ghp_${c.repeat(36)} a.example`))));
    const waiting = await h.waiting(2);
    expect(waiting[0]?.operation.text).toBe(waiting[1]?.operation.text);
    const bound = waiting.map(({ operation }) => JSON.stringify((operation as { bindings: unknown }).bindings));
    expect(bound[0]).not.toBe(bound[1]);
    for (const { id } of waiting) h.decide(id, 'deny');
    await Promise.all(asked);
  });
});

describe('a conversation', () => {
  test('ends its exchanges in their order, whatever order answers and outcomes come in', async () => {
    await start();
    const held = h.send(ask(shell('curl a.example'), 'a'));
    await h.waiting(1);
    await h.send(ask(shell('ls'), 'b'));
    await h.send(done(shell('ls'), 'b'));
    expect(h.sessions[0]?.ended).toEqual([]);
    h.decide((await h.waiting(1))[0]!.id, 'approve');
    await held;
    await h.send(done(shell('curl a.example'), 'a'));
    expect(h.sessions[0]?.ended).toEqual([0, 1]);
  });

  test('an outcome that comes late has an exchange of its own', async () => {
    await start();
    await h.send(ask(shell('ls -R'), 'a'));
    await h.send(ask(shell('ls'), 'b'));
    await h.send(done(shell('ls'), 'b'));
    h.time.pass(2_000);
    expect(h.sessions[0]?.ended).toEqual([0, 1]);
    await h.send(done(shell('ls -R'), 'a', { ok: false, error: 'killed' }));
    expect(lines(h.sessions[0]?.up[2])).toMatchObject([{ event: 'outcome', of: 0 }]);
    expect(h.sessions[0]?.ended).toEqual([0, 1, 2]);
  });

  test('says what was done without being asked about', async () => {
    await start();
    await h.send(done(shell('rm -rf /'), 'x', { output: 'gone' }));
    expect(h.sessions[0]?.statements).toMatchObject([{ text: 'Countersign was not asked: rm -rf /' }]);
  });

  test('ends after half an hour of silence, and goes on in another session under the same id', async () => {
    await start();
    await h.send({ type: 'answer', text: 'one' });
    h.time.pass(31 * 60_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(h.sessions[0]?.closed).toContain('half an hour');
    await h.send({ type: 'answer', text: 'two' });
    expect(h.sessions.map(({ info }) => info.conversationId)).toEqual(['c1', 'c1']);
    await h.send({ type: 'session-end', reason: 'completed' });
    expect(h.sessions[1]?.closed).toBe('the conversation ended');
  });

  test('an unknown tool of the agent is asked about, one that the proxy decides on is not', async () => {
    await start();
    // The only server there is goes through the proxy.
    h.files.set('/home/dev/.cursor/mcp.json', 'db');
    const call = (tool: string, server: string | null, phase?: 'second'): AgentEvent =>
      ask({ kind: 'call', tool, server, input: { a: 1 }, target: null }, null, phase);
    const denied = async (event: AgentEvent) => {
      const answer = h.send(event);
      h.decide((await h.waiting(1))[0]!.id, 'deny');
      expect(await answer).toMatchObject({ permission: 'deny' });
    };
    await denied(call('Teleport', null));
    expect(await h.send(call('MCP:query', null))).toMatchObject({ permission: 'allow' });
    expect(await h.send(call('MCP:query', 'db', 'second'))).toMatchObject({ permission: 'allow' });
    // It turns out to be another server's.
    expect(await h.send(call('MCP:query', null))).toMatchObject({ permission: 'allow' });
    await denied(call('MCP:query', 'other', 'second'));
    h.files.delete('/home/dev/.cursor/mcp.json');
    await denied(call('MCP:query', 'db'));
  });
});

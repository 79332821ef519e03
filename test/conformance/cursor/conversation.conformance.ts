import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Session, Statement } from '../../../gateway/contract/session.ts';
import { eventually } from '../../support/side-by-side.ts';
import { type Stage, startStage } from './stage.ts';

/** Whole conversations of Cursor, against the hook file that `countersign cursor install` made. */
let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
  const { code, out } = await stage.countersign('cursor', 'install');
  expect([code, out]).toEqual([0, expect.stringContaining('hooks.json')]);
});
afterAll(() => stage?.stop());

async function sessionsOf(conversationId: string): Promise<Session[]> {
  const { items } = await stage.gateway.control.call('sessions', { limit: 500 });
  return items.filter((session) => session.conversationId === conversationId);
}

/** Once it is closed and indexed. */
function recorded(conversationId: string): Promise<{ session: Session; statements: Statement[] }> {
  return eventually('the recording', async () => {
    const session = (await sessionsOf(conversationId)).find(({ protocol }) => protocol === 'agent');
    if (session?.state !== 'closed') return null;
    const { items } = await stage.gateway.control.call('statements', { id: session.id, limit: 500 });
    return items.length >= session.statements ? { session, statements: items } : null;
  });
}

const told = (statements: readonly Statement[]) => statements.map(({ op, verdict }) => `${op} ${verdict}`);

describe('in the editor', () => {
  it('a conversation is decided on, recorded as one session, and verifies', async () => {
    const cursor = stage.play('editor-1');
    await cursor.fire('sessionStart', { is_background_agent: false, composer_mode: 'agent' });
    expect(await cursor.prompt('Tidy the project')).toMatchObject({ allowed: true });
    await cursor.fire('afterAgentThought', { text: 'I look around first', duration_ms: 3 });
    expect(await cursor.shell('echo hello')).toMatchObject({ ran: true, output: 'hello\n' });

    const held = cursor.shell('curl --max-time 1 http://127.0.0.1:9/');
    const asked = await stage.decide('approve');
    expect(asked.operation).toMatchObject({ protocol: 'agent', connectionId: 'cursor', tool: 'Shell' });
    expect(await held).toMatchObject({ ran: true });

    const refused = cursor.shell('git push --force origin main');
    await stage.decide('deny', 'not on a Friday');
    expect(await refused).toMatchObject({ ran: false, message: expect.stringContaining('not on a Friday') });

    expect(await cursor.write('src/a.txt', 'one\n')).toMatchObject({ ran: true });
    expect(readFileSync(join(stage.project, 'src/a.txt'), 'utf8')).toBe('one\n');
    const outside = cursor.write(join(stage.home, 'notes.txt'), 'x');
    await stage.decide('deny');
    expect(await outside).toMatchObject({ ran: false });
    expect(existsSync(join(stage.home, 'notes.txt'))).toBe(false);

    expect(await cursor.read('src/a.txt')).toMatchObject({ ran: true, output: 'one\n' });
    const deletion = cursor.remove('src/a.txt');
    await stage.decide('approve');
    expect(await deletion).toMatchObject({ ran: true });
    const call = cursor.tool('issues', 'create', { title: 'x' });
    await stage.decide('approve');
    expect(await call).toMatchObject({ ran: true });
    await cursor.fire('afterAgentResponse', { text: 'Done.' });
    await cursor.fire('stop', { status: 'completed', loop_count: 0 });
    await cursor.fire('sessionEnd', { reason: 'completed', duration_ms: 10, final_status: 'completed' });

    const { session, statements } = await recorded('editor-1');
    expect(told(statements)).toEqual([
      'Prompt allowed',
      'Thought allowed',
      'Shell allowed',
      'Shell asked-approved',
      'Shell asked-denied',
      'Write allowed',
      'Write asked-denied',
      'Read allowed',
      'Delete asked-approved',
      'create asked-approved',
      'Answer allowed',
      'stop allowed',
      'SessionEnd allowed',
    ]);
    expect(session).toMatchObject({ protocol: 'agent', connectionId: 'cursor', asked: 5, denied: 2 });
    const verified = await stage.gateway.control.call('verifySession', { id: session.id });
    expect(verified).toMatchObject({ ok: true });
    expect(statements[5]!.text).toContain('+one');
    const result = await stage.gateway.control.call('result', { id: session.id, index: 2 });
    expect(result.rows).toContainEqual(['output', 'hello\n']);
    expect(statements[3]!.error).not.toBeNull();
  });

  it('two equal commands at once need two decisions, and one counts for one', async () => {
    const cursor = stage.play('editor-2');
    const command = 'curl --max-time 1 http://127.0.0.1:9/same';
    const both = [cursor.shell(command), cursor.shell(command)];
    const first = await stage.decide('approve');
    const second = await stage.decide('deny');
    expect(first.id).not.toBe(second.id);
    const ran = (await Promise.all(both)).map((one) => one.ran).sort();
    expect(ran).toEqual([false, true]);
  });

  it('a script that changes while it waits is not run', async () => {
    const cursor = stage.play('editor-3');
    const script = join(stage.project, 'deploy.sh');
    writeFileSync(script, 'curl http://127.0.0.1:9/\n');
    const run = cursor.shell('bash deploy.sh');
    await eventually('the request', async () => {
      const { total } = await stage.gateway.control.call('approvals', { state: 'waiting' });
      return total === 1 ? true : null;
    });
    writeFileSync(script, `touch ${join(stage.project, 'owned')}\n`);
    await stage.decide('approve');
    expect(await run).toMatchObject({ ran: false, message: expect.stringContaining('has changed') });
    expect(existsSync(join(stage.project, 'owned'))).toBe(false);
  });

  it('a file with secrets is asked about in either event, and its content is not kept', async () => {
    const cursor = stage.play('editor-4');
    writeFileSync(join(stage.project, '.env'), 'API_TOKEN=tok3n-0123456789\n');
    const denied = cursor.read('.env', false);
    await stage.decide('deny');
    expect(await denied).toMatchObject({ ran: false });
    const allowed = cursor.read('.env');
    await stage.decide('approve');
    expect(await allowed).toMatchObject({ ran: true, output: expect.stringContaining('tok3n') });
    await cursor.fire('sessionEnd', { reason: 'completed' });
    const { session } = await recorded('editor-4');
    const bundle = JSON.stringify(await stage.gateway.control.call('statements', { id: session.id, limit: 100 }));
    expect(bundle).not.toContain('tok3n');
    const files = await stage.countersign('sessions', 'show', session.id);
    expect(files.out).not.toContain('tok3n');
  });

  it('the agent cannot change what watches over it', async () => {
    const cursor = stage.play('editor-5');
    const hooks = join(stage.home, '.cursor', 'hooks.json');
    const before = readFileSync(hooks, 'utf8');
    expect(await cursor.write(hooks, '{}')).toMatchObject({ ran: false });
    expect(await cursor.remove(hooks)).toMatchObject({ ran: false });
    expect(await cursor.shell(`rm ${hooks}`)).toMatchObject({ ran: false });
    expect(await cursor.shell(`cd ~/.cursor && echo '{}' > hooks.json`)).toMatchObject({ ran: false });
    expect(await cursor.write(join(stage.project, '.cursor', 'mcp.json'), '{}')).toMatchObject({ ran: false });
    expect(readFileSync(hooks, 'utf8')).toBe(before);
  });

  it('a command that is allowed runs in a recorded terminal of the same conversation', async () => {
    const cursor = stage.play('editor-6');
    expect(await cursor.shell('echo in-a-terminal; exit 3')).toMatchObject({ ran: true, output: 'in-a-terminal\n' });
    await cursor.fire('sessionEnd', { reason: 'completed' });
    const { statements } = await recorded('editor-6');
    expect(told(statements)).toEqual(['Shell allowed', 'SessionEnd allowed']);
    const terminal = await eventually('the terminal’s recording', async () => {
      return (
        (await sessionsOf('editor-6')).find(({ protocol, state }) => protocol === 'terminal' && state === 'closed') ??
        null
      );
    });
    expect(terminal).toMatchObject({ statements: 1, asked: 0, denied: 0 });
  });
});

describe('in the command line', () => {
  it('the events are others, and the decisions the same', async () => {
    const cursor = stage.play('cli-1', 'cli');
    await cursor.fire('sessionStart', {});
    expect(await cursor.shell('echo hello')).toMatchObject({ ran: true, output: 'hello\n' });
    const held = cursor.shell('curl --max-time 1 http://127.0.0.1:9/cli');
    await stage.decide('approve');
    expect(await held).toMatchObject({ ran: true });
    const call = cursor.tool('issues', 'list', {});
    await stage.decide('approve');
    expect(await call).toMatchObject({ ran: true });
    await cursor.fire('sessionEnd', { reason: 'completed' });
    const { statements } = await recorded('cli-1');
    expect(told(statements)).toEqual([
      'Shell allowed',
      'Shell asked-approved',
      'list asked-approved',
      'SessionEnd allowed',
    ]);
  });
});

describe('the doctor', () => {
  it('proves that hooks fire, and finds what went around them', async () => {
    const cursor = stage.play('doctor-1');
    await cursor.shell('echo seen');
    await cursor.fire('sessionEnd', { reason: 'completed' });
    await recorded('doctor-1');
    const transcript = join(stage.home, 'doctor-1.jsonl');
    const used = (name: string, input: object) =>
      JSON.stringify({ role: 'assistant', message: { content: [{ type: 'tool_use', name, input }] } });
    writeFileSync(transcript, `${used('Shell', { command: 'echo seen' })}\n{"role":"us`);
    const well = await stage.countersign('cursor', 'doctor', '--project', stage.project, '--transcript', transcript);
    expect([well.code, well.out]).toEqual([0, expect.stringContaining('asks, is answered and recorded')]);
    expect(well.out).toContain('All 1 tool calls');
    writeFileSync(
      transcript,
      [
        used('Shell', { command: 'echo seen' }),
        used('Shell', { command: 'echo seen' }),
        used('Shell', { command: 'rm -rf x' }),
      ].join('\n'),
    );
    const ill = await stage.countersign('cursor', 'doctor', '--project', stage.project, '--transcript', transcript);
    expect(ill.code).toBe(1);
    expect(ill.out).toContain('2 of 3 tool calls');
    expect(ill.out).toContain('rm -rf x');
    expect(ill.out).toContain('.env');
  });
});

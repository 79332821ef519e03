import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Approval } from '../../../gateway/contract/decision.ts';
import { type ControlClient, createControlClient } from '../../../gateway/control/client.ts';
import { CursorPlayer } from '../../support/cursor-player.ts';
import {
  type Developer,
  makeDeveloper,
  type ProtectedGateway,
  protectedMissing,
  protectGateway,
} from '../../support/protected.ts';
import { nextHeld, TEST_PIN } from '../../support/side-by-side.ts';

const missing = protectedMissing();

describe(`hooks and a protected gateway${missing ? ` (${missing})` : ''}`, { skip: missing !== false }, () => {
  let developer: Developer;
  let gateway: ProtectedGateway;
  let control: ControlClient;
  let project: string;
  const seen: string[] = [];

  beforeAll(async () => {
    developer = makeDeveloper();
    gateway = await protectGateway(developer);
    control = createControlClient({ socketPath: gateway.layout.socket });
    const code = spawnSync(gateway.layout.launcher, ['code'], { encoding: 'utf8' }).stdout.trim();
    await control.call('setPin', { pin: TEST_PIN, code });
    project = join(developer.home, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'secret.sh'), 'echo from the script\n', { mode: 0o600 });
    execFileSync('chown', ['-R', developer.name, project]);
    const installed = await developer.run([gateway.layout.launcher, 'cursor', 'install']);
    expect(installed).toMatchObject({ code: 0, err: '' });
  }, 120_000);
  afterAll(() => {
    gateway?.remove();
    developer?.remove();
  });

  // As Cursor, which the developer started: with the developer's groups.
  const cursor = (conversationId: string) =>
    new CursorPlayer({
      home: developer.home,
      project,
      conversationId,
      env: { COUNTERSIGN_NAME: gateway.layout.name },
      as: (argv) => ['setpriv', ['--reuid', developer.name, '--regid', developer.name, '--init-groups', ...argv]],
    });
  async function decide(decision: 'approve' | 'deny'): Promise<Approval> {
    const held = await nextHeld(control, seen);
    seen.push(held.id);
    const { id, operation } = held;
    const pin = decision === 'approve' ? { pin: TEST_PIN } : {};
    await control.call('decide', { id, digest: operation.digest, decision, ...pin });
    return held;
  }

  it('are installed as the developer, and start the program that only root can change', () => {
    const file = join(developer.home, '.cursor', 'hooks.json');
    expect(statSync(file).uid).toBe(developer.uid);
    const { hooks } = JSON.parse(readFileSync(file, 'utf8'));
    expect(hooks.preToolUse[0]).toMatchObject({
      command: expect.stringContaining(join(gateway.layout.prefix, 'gateway', 'bin', 'countersign.mjs')),
      failClosed: true,
    });
  });

  it('let what is harmless run at once, in a recorded terminal, as the developer', async () => {
    const played = await cursor('c-read').shell('id -un && pwd');
    expect(played).toMatchObject({ ran: true, message: '' });
    expect(played.output.trim().split(/\s+/)).toEqual([developer.name, project]);
    const { items } = await control.call('sessions', {});
    const own = items.filter(({ conversationId }) => conversationId === 'c-read');
    expect(own.map(({ protocol }) => protocol).sort()).toEqual(['agent', 'terminal']);
  });

  it('hold what is not until a person decides, with the script that only the developer can read', async () => {
    const running = cursor('c-ask').shell('bash secret.sh && curl http://127.0.0.1:9/');
    const held = await decide('deny');
    expect(held.operation).toMatchObject({ text: expect.stringContaining('secret.sh') });
    expect(JSON.stringify(held.operation)).toContain(join(project, 'secret.sh'));
    expect(await running).toMatchObject({ ran: false, message: expect.stringContaining('denied') });
    const again = cursor('c-ask-2').shell('bash secret.sh');
    await Promise.race([again, decide('approve')]);
    expect(await again).toMatchObject({ ran: true, output: expect.stringContaining('from the script') });
  });

  it('show a change of a file that the gateway itself cannot read', async () => {
    const file = join(developer.home, 'notes.txt');
    writeFileSync(file, 'one\ntwo\n', { mode: 0o600 });
    execFileSync('chown', [developer.name, file]);
    const writing = cursor('c-write').write(file, 'one\nthree\n');
    const held = await decide('deny');
    expect(JSON.stringify(held.operation)).toMatch(/-two.*\+three/);
    expect(await writing).toMatchObject({ ran: false });
  });

  it('open nothing of the gateway’s, also when a person approves', async () => {
    const trying = cursor('c-own').shell(`cat ${gateway.layout.home}/vault/vault.key 2>&1`);
    await decide('approve');
    expect(await trying).toMatchObject({ ran: true, output: expect.stringContaining('Permission denied') });
  });

  it('are found working by the doctor', async () => {
    const name = `COUNTERSIGN_NAME=${gateway.layout.name}`;
    const looked = await developer.run([
      'env',
      name,
      gateway.layout.launcher,
      'cursor',
      'doctor',
      '--project',
      project,
    ]);
    expect(looked.out).toMatch(/✓ The hook of .*hooks\.json asks, is answered and recorded/);
    expect(looked.code).toBe(0);
  });

  it('deny with a sentence while the gateway is not there', async () => {
    process.kill(gateway.pid(), 'SIGKILL');
    const refused = await cursor('c-gone').shell('ls');
    expect(refused).toMatchObject({ ran: false, message: expect.stringContaining('gateway is not running') });
  });
});

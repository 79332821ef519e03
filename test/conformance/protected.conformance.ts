import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountOf, groupOf } from '../../gateway/protect/accounts.ts';
import { COUNTERSIGN } from '../support/gateway.ts';
import {
  type Developer,
  makeDeveloper,
  type ProtectedGateway,
  protectedMissing,
  protectGateway,
} from '../support/protected.ts';

const missing = protectedMissing();

describe(`protected mode${missing ? ` (${missing})` : ''}`, { skip: missing !== false }, () => {
  let developer: Developer;
  let gateway: ProtectedGateway;
  beforeAll(async () => {
    developer = makeDeveloper();
    gateway = await protectGateway(developer);
  }, 120_000);
  afterAll(() => {
    gateway?.remove();
    developer?.remove();
  });

  const asRoot = (...args: readonly string[]) =>
    spawnSync(gateway.layout.launcher, args, { encoding: 'utf8', input: '', timeout: 60_000 });
  const modeOf = (path: string) => statSync(path).mode & 0o777;
  const statusOf = (pid: number, field: string) =>
    new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];

  it('says what it would do, and does nothing, with --dry-run', () => {
    const [program, ...args] = [...COUNTERSIGN, 'protect', '--name', 'cs-not-there', '--user', developer.name];
    const { status, stdout } = spawnSync(program as string, [...args, '--dry-run'], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout.match(/^ {2}would /gm)?.length).toBeGreaterThanOrEqual(7);
    expect(accountOf('cs-not-there')).toBeNull();
    expect(existsSync('/opt/cs-not-there')).toBe(false);
  });

  it('runs the gateway as a user of its own without privileges', () => {
    const pid = gateway.pid();
    const own = accountOf(gateway.layout.user);
    expect(own?.shell).toMatch(/nologin|false/);
    expect(own?.uid).not.toBe(developer.uid);
    expect(statusOf(pid, 'Uid')).toBe([own?.uid, own?.uid, own?.uid, own?.uid].join('\t'));
    expect(statusOf(pid, 'CapEff')).toMatch(/^0+$/);
    expect(statusOf(pid, 'CapBnd')).toMatch(/^0+$/);
    expect(statusOf(pid, 'NoNewPrivs')).toBe('1');
    const groups = [own?.gid, groupOf(gateway.layout.clientsGroup)?.gid].map(String).sort();
    expect(statusOf(pid, 'Groups')?.trim().split(/\s+/).sort()).toEqual(groups);
  });

  it('keeps home and socket as they should be', () => {
    const { home, runFolder, socket, rootSocket, clientsGroup, prefix } = gateway.layout;
    expect([modeOf(home), modeOf(runFolder), modeOf(socket), modeOf(rootSocket)]).toEqual([0o700, 0o750, 0o660, 0o600]);
    const gid = groupOf(clientsGroup)?.gid;
    expect([statSync(runFolder).gid, statSync(socket).gid]).toEqual([gid, gid]);
    expect(statSync(prefix).uid).toBe(0);
  });

  it('writes no code where others than root may read it', () => {
    expect(gateway.said).not.toMatch(/[0-9A-Z]{5}-[0-9A-Z]{5}/);
    expect(readFileSync(gateway.layout.log, 'utf8')).not.toMatch(/[0-9A-Z]{5}-[0-9A-Z]{5}/);
  });

  it('gives the first code to root, and not to the developer', async () => {
    expect(asRoot('code').stdout).toMatch(/^[0-9A-Z]{5}-[0-9A-Z]{5}\n$/);
    const { code, out, err } = await developer.run([gateway.layout.launcher, 'code']);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('sudo');
  });

  it('shows the developer its sessions itself, and keeps the recordings from them in a sentence', async () => {
    const status = await developer.run([gateway.layout.launcher, 'status']);
    expect(status.out).toContain('protected');
    expect(status.out).toContain(`local account ${developer.name}`);
    const list = await developer.run([gateway.layout.launcher, 'sessions', 'list']);
    expect(list).toMatchObject({ code: 0, err: expect.stringContaining('no recorded sessions at the gateway yet') });
    const exported = await developer.run([gateway.layout.launcher, 'sessions', 'export', 'last']);
    expect(exported.code).toBe(1);
    expect(exported.err).toMatch(/belongs to the protected gateway.*sudo\n$/);
    expect(asRoot('sessions', 'list').status).toBe(0);
  });

  it('lets nobody in who is not in the group', async () => {
    const stranger = makeDeveloper();
    try {
      const { code, err } = await stranger.run([gateway.layout.launcher, 'status']);
      expect(code).toBe(1);
      expect(err).toContain('not running');
      const list = await stranger.run([gateway.layout.launcher, 'sessions', 'list']);
      expect(list.code).toBe(1);
      expect(list.err).toMatch(/does not answer you either.*sudo\n$/);
    } finally {
      stranger.remove();
    }
  });

  it('does nothing when it is done already', () => {
    const pid = gateway.pid();
    const { code, out } = gateway.protect();
    expect(code).toBe(0);
    expect(out).not.toContain('→');
    expect(gateway.pid()).toBe(pid);
  });

  it('starts anew when it is asked for other ports', () => {
    const pid = gateway.pid();
    expect(gateway.protect('--console-port', String(gateway.consolePort + 1)).out).toContain('→ start the gateway');
    expect(gateway.pid()).not.toBe(pid);
    expect(gateway.protect().code).toBe(0);
  });

  it('is never only claimed', async () => {
    const start = ['start', '--protected', gateway.layout.name, '--no-demo', '--no-open'];
    const ports = ['--port', '0', '--console-port', '0'];
    const own = await developer.run([
      gateway.node,
      join(gateway.layout.prefix, 'gateway/index.ts'),
      ...start,
      ...ports,
    ]);
    expect(own.code).toBe(1);
    expect(own.err).toContain('belongs to another user');
    const asGateway = (index: string) =>
      spawnSync(
        'setpriv',
        [
          ...['--reuid', gateway.layout.user, '--regid', gateway.layout.user, '--init-groups', '--reset-env'],
          ...['--bounding-set=-all', '--inh-caps=-all', gateway.node, index, ...start, ...ports],
        ],
        { encoding: 'utf8', cwd: '/', timeout: 60_000 },
      );
    const index = join(gateway.layout.prefix, 'gateway/index.ts');
    expect(asGateway(index).stderr).toMatch(/already runs with the home/);
  });

  it('does not start where the developer could change the program, and starts again once that is mended', async () => {
    const file = join(gateway.layout.prefix, 'gateway', 'service.ts');
    const restart = () => {
      process.kill(gateway.pid(), 'SIGKILL');
      return gateway.protect();
    };
    chmodSync(file, 0o646);
    const refused = restart();
    chmodSync(file, 0o644);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(`others than root can change ${file}`);
    expect(gateway.protect().code).toBe(0);

    const planted = join(gateway.layout.home, 'policy', 'planted');
    writeFileSync(planted, '');
    spawnSync('chown', [developer.name, planted]);
    const again = restart();
    spawnSync('rm', [planted]);
    expect(again.err).toContain(`${planted} belongs to somebody else`);
    expect(gateway.protect().code).toBe(0);
  }, 120_000);

  it('is taken away without a trace but recordings and keys, and those with --purge', () => {
    const { layout } = gateway;
    const pid = gateway.pid();
    expect(gateway.protect('--undo').code).toBe(0);
    // A process that has ended and was not yet taken note of by init has no program any more.
    expect(existsSync(`/proc/${pid}/exe`)).toBe(false);
    for (const path of [layout.prefix, layout.launcher, layout.runFolder, layout.pidFile, layout.log, layout.unit]) {
      expect([path, existsSync(path)]).toEqual([path, false]);
    }
    expect(groupOf(layout.clientsGroup)).toBeNull();
    expect(existsSync(join(layout.home, 'masking.key'))).toBe(true);
    expect(gateway.protect('--undo', '--purge').code).toBe(0);
    expect(existsSync(layout.home)).toBe(false);
    expect(accountOf(layout.user)).toBeNull();
  });
});

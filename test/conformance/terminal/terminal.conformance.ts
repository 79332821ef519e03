import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Terminal } from '@xterm/headless';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Played, playback } from '../../../gateway/protocols/terminal/playback.ts';
import * as recordings from '../../../gateway/recording/reader.ts';
import { verifySession } from '../../../gateway/recording/verify.ts';
import { component } from '../../components.ts';
import { ALLOW_ALL, startTestService, type TestService } from '../../support/service.ts';
import { lastTerminal, playTerminal, recorded, type TerminalScript } from '../../support/terminal.ts';

const programs = component('terminal-programs');
const python = component('psycopg');
const psql = component('psql');
const ssh = component('sshd');
const sudo = component('sudo');

let gateway: TestService;
let work: string;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  gateway = await startTestService({ connections: [], policy: ALLOW_ALL });
  work = mkdtempSync(join(tmpdir(), 'terminal-'));
  mkdirSync(join(work, '.git'));
  env = { ...process.env, COUNTERSIGN_SOCKET: gateway.service.control.socketPath, LC_ALL: 'C.UTF-8' };
}, 60_000);
afterAll(async () => {
  await gateway?.stop();
  rmSync(work, { recursive: true, force: true });
});

type Steps = NonNullable<TerminalScript['steps']>;
const type = (text: string) => (terminal: { write(data: string): void }) => terminal.write(text);

async function both(argv: readonly string[], steps: Steps = []) {
  const bare = await playTerminal(argv, { env, cwd: work, steps });
  const through = await playTerminal(recorded(argv), { env, cwd: work, steps });
  return { bare, through };
}

async function playedOf(folder: string): Promise<Played[]> {
  const all: Played[] = [];
  for await (const played of playback(recordings, folder)) all.push(played);
  return all;
}

const bytesOf = (played: readonly Played[], kind: 'input' | 'output' | 'errors') =>
  Buffer.concat(played.flatMap((one) => (one.kind === kind ? [one.bytes] : [])));

/** What a screen shows in the end. */
async function screen(shown: string, cols = 80, rows = 24): Promise<string> {
  const terminal = new Terminal({ cols, rows, allowProposedApi: true });
  await new Promise<void>((resolve) => terminal.write(shown, resolve));
  const buffer = terminal.buffer.active;
  const lines = Array.from({ length: rows }, (_, i) => buffer.getLine(buffer.baseY + i)?.translateToString(true) ?? '');
  terminal.dispose();
  return lines.join('\n').trimEnd();
}

describe('on a terminal', () => {
  it.each<[string, string[], Steps]>([
    ['knows that it is one', ['sh', '-c', 'tty -s && stty size && echo $TERM'], []],
    ['reads lines', ['sh', '-c', 'printf "name: "; read x; echo "[$x]"'], [['name: ', type('ada\r')]]],
    [
      'is interrupted by ^C',
      ['sh', '-c', 'trap "echo caught; exit 4" INT; echo ready; while :; do sleep 0.05; done'],
      [['ready', type('\u0003')]],
    ],
    ['ends by a signal', ['sh', '-c', 'echo hi; kill -TERM $$'], []],
    ['has an exit code', ['sh', '-c', 'exit 42'], []],
    [
      'follows the window',
      ['sh', '-c', 'trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.05; done'],
      [['ready', (terminal) => terminal.resize(133, 51)]],
    ],
    [
      'is given every byte in raw mode',
      ['sh', '-c', 'stty raw -echo; echo go; dd bs=1 count=6 2>/dev/null | od -An -tx1; stty sane'],
      [['go', type('\u0003\u0004\r\n\u001az')]],
    ],
    ['ends at ^D', ['sh', '-c', 'echo go; cat'], [['go', type('line\r\u0004')]]],
  ])('a program %s, with the same bytes', async (_what, argv, steps) => {
    const { bare, through } = await both(argv, steps);
    expect(through.shown).toBe(bare.shown);
    expect(through.code).toBe(bare.code);
  });

  it.skipIf(programs.missing)('vim edits a file, and paints the same screen', async () => {
    const edit = async (argv: string[]) => {
      writeFileSync(join(work, 'text.txt'), 'first\nsecond\n');
      const steps: Steps = [
        ['second', (terminal) => setTimeout(() => terminal.write('GohELLO wORLD\u001b~'), 300)],
        ['ELLO', (terminal) => setTimeout(() => terminal.write(':set nu\r'), 300)],
        ['  3 ', (terminal) => setTimeout(() => terminal.write('0g~$:wq\r'), 300)],
      ];
      const play = await playTerminal(argv, { env, cwd: work, steps });
      return { file: readFileSync(join(work, 'text.txt'), 'utf8'), play };
    };
    const argv = ['vim', '--clean', '-n', 'text.txt'];
    const bare = await edit(argv);
    const through = await edit(recorded(argv));
    expect(through.file).toBe(bare.file);
    expect(through.file).toMatch(/^first\nsecond\n.+\n$/);
    expect(through.play.code).toBe(0);
    const folder = await lastTerminal(gateway.service.home);
    // What was recorded paints what was seen.
    const played = await playedOf(folder);
    const output = bytesOf(played, 'output').toString('utf8');
    expect(output).toBe(through.play.shown);
    // Its keys too, though the terminal did not echo them.
    const keys = bytesOf(played, 'input').toString('latin1');
    for (const typed of ['GohELLO wORLD\u001b~', ':set nu\r', '0g~$:wq\r']) expect(keys).toContain(typed);
    expect(await screen(output)).toBe(await screen(bare.play.shown));
  });

  it.skipIf(programs.missing)('less pages, and top goes on until it is quit', async () => {
    writeFileSync(join(work, 'long.txt'), Array.from({ length: 500 }, (_, i) => `line ${i}\n`).join(''));
    const steps: Steps = [
      ['line 22', type('G')],
      ['line 499', type('g')],
      ['line 0', type('q')],
    ];
    const { bare, through } = await both(['less', 'long.txt'], steps);
    expect(through.shown).toBe(bare.shown);
    expect(through.code).toBe(0);
    const top = await playTerminal(recorded(['top', '-d', '0.2']), {
      env,
      cwd: work,
      steps: [
        ['%CPU', type('')],
        ['load average', type('q')],
      ],
    });
    expect(top.code).toBe(0);
    expect(await screen(top.shown)).toContain('PID');
  });

  it('100 MB come out as they went in, and are recorded', async () => {
    const line = `${'0123456789abcdef'.repeat(6)}xyz\n`;
    writeFileSync(join(work, 'big.txt'), line.repeat(1024 * 1024));
    const expected = createHash('sha256');
    const onTerminal = line.replace('\n', '\r\n').repeat(1024);
    for (let i = 0; i < 1024; i++) expected.update(onTerminal);
    const play = await playTerminal(recorded(['cat', 'big.txt']), { env, cwd: work, hash: true });
    expect(play).toMatchObject({ code: 0, bytes: onTerminal.length * 1024, sha256: expected.digest('hex') });
    const folder = await lastTerminal(gateway.service.home);
    const again = createHash('sha256');
    for await (const played of playback(recordings, folder)) if (played.kind === 'output') again.update(played.bytes);
    expect(again.digest('hex')).toBe(play.sha256);
    expect(await verifySession(folder)).toMatchObject({ ok: true });
    rmSync(join(work, 'big.txt'));
  });

  it('records what is typed, and no password', async () => {
    const script =
      'printf "name: "; read x; stty -echo; printf "password: "; read y; stty echo; echo; echo "$x:$(expr length "$y")"';
    const play = await playTerminal(recorded(['sh', '-c', script]), {
      env,
      cwd: work,
      steps: [
        ['name: ', type('ada\r')],
        ['password: ', type('hunter2-secret\r')],
      ],
    });
    expect(play.shown).toContain('ada:14');
    const folder = await lastTerminal(gateway.service.home);
    const played = await playedOf(folder);
    expect(bytesOf(played, 'input').toString()).toBe('ada\r');
    expect(bytesOf(played, 'output').toString()).not.toContain('hunter2');
    expect(played.some((one) => one.kind === 'note' && one.name === 'input-hidden')).toBe(true);
  });

  const SECRET = 'hunter2-secret';
  const asks: [string, boolean, string[], string][] = [
    ['read -s', false, ['bash', '-c', 'read -rsp "go: " x; echo "got $(expr length "$x")"'], 'go: '],
    ['key by key', false, ['bash', '-c', 'printf "go: "; read -rsn14 x; echo got'], 'go: '],
    [
      'a program in raw mode',
      false,
      [
        process.execPath,
        '-e',
        'process.stdin.setRawMode(true);process.stdout.write("go: ");let n=0;process.stdin.on("data",(b)=>{n+=b.length;if(String(b).includes("\\r")){console.log("got "+n);process.exit()}})',
      ],
      'go: ',
    ],
    [
      'Python’s getpass',
      python.missing !== false,
      [python.path, '-c', 'import getpass; print("got", len(getpass.getpass("go: ")))'],
      'go: ',
    ],
    ['psql', psql.missing !== false, [psql.path, '-W', '-h', '127.0.0.1', '-p', '1', 'none'], 'assword'],
    ['OpenSSH', ssh.missing !== false, ['ssh-keygen', '-q', '-t', 'ed25519', '-f', 'key'], 'assphrase'],
    [
      'sudo',
      sudo.missing !== false || process.getuid?.() !== 0,
      ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', sudo.path, 'true'],
      'assword',
    ],
    [
      'a terminal inside of vim',
      programs.missing !== false,
      ['vim', '--clean', '-n', '-c', 'terminal ++curwin ++close sh -c "stty -echo; printf go:; read x; echo got"'],
      'go:',
    ],
  ];
  it.each(asks.filter(([, missing]) => !missing))(
    '%s: what is typed unseen is not recorded',
    async (name, _missing, argv, question) => {
      let answered = false;
      const answer = (terminal: { write(data: string): void; kill(signal?: string): void }) =>
        setTimeout(() => {
          terminal.write(`${SECRET}\r`);
          answered = true;
          setTimeout(() => terminal.write('\u0003'), 3_000);
          setTimeout(() => terminal.kill('SIGHUP'), 6_000);
        }, 500);
      const play = await playTerminal(recorded(argv), { env, cwd: work, steps: [[question, answer]] });
      expect([name, answered]).toEqual([name, true]);
      const folder = await lastTerminal(gateway.service.home);
      const played = await playedOf(folder);
      expect(bytesOf(played, 'input').toString()).not.toContain('hunter2');
      expect(played.some((one) => one.kind === 'note' && one.name === 'input-hidden')).toBe(true);
      expect(play.shown).not.toContain('hunter2');
    },
  );

  it('a window’s sizes are in the recording', async () => {
    await playTerminal(recorded(['sh', '-c', 'trap exit WINCH; echo ready; while :; do sleep 0.05; done']), {
      env,
      cwd: work,
      steps: [['ready', (terminal) => terminal.resize(90, 30)]],
    });
    const folder = await lastTerminal(gateway.service.home);
    expect(await playedOf(folder)).toContainEqual(expect.objectContaining({ kind: 'resize', cols: 90, rows: 30 }));
  });
});

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { SiemDestination } from '../contract/siem.ts';
import type { Vault } from '../pipeline/ports.ts';
import { createSiem, type Siem } from './siem.ts';

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

export async function until(what: () => boolean | Promise<boolean>, why: string, milliseconds = 20_000): Promise<void> {
  for (const end = Date.now() + milliseconds; !(await what()); ) {
    if (Date.now() > end) throw new Error(`never happened: ${why}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A vault in memory. */
function memoryVault(): Vault {
  const secrets = new Map<string, string>();
  return {
    read: async (id) => secrets.get(id) ?? null,
    write: async (id, secret) => void secrets.set(id, secret),
    remove: async (id) => void secrets.delete(id),
    has: async (id) => secrets.has(id),
  };
}

/** The real thing in a folder of its own; waits between attempts are shortened by `hurry`. */
export function testSiem(options: { home?: string; out?: string; spoolBytes?: number; hurry?: number } = {}) {
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'cs-siem-'));
  if (options.spoolBytes !== undefined) {
    writeFileSync(join(home, 'siem.json'), JSON.stringify({ version: 1, spoolBytes: options.spoolBytes }));
  }
  const out = options.out ?? mkdtempSync(join(tmpdir(), 'cs-siem-out-'));
  const waits: number[] = [];
  const said: string[] = [];
  const vault = memoryVault();
  let siem: Siem | null = null;
  const open = () => {
    siem = createSiem({
      home,
      vault,
      version: '1.2.3',
      identity: { subject: 'dev', display: 'dev', kind: 'local', verified: false, groups: [] },
      protection: 'unprotected',
      now: Date.now,
      random: () => 1,
      schedule(milliseconds, run) {
        waits.push(milliseconds);
        const timer = setTimeout(run, milliseconds / (options.hurry ?? 20));
        return () => clearTimeout(timer);
      },
      log: (_level, sentence) => said.push(sentence),
    });
    return siem;
  };
  return {
    home,
    /** For files of events, which do not lie in the home. */
    out,
    vault,
    waits,
    said,
    siem: open(),
    async reopen() {
      await siem?.close();
      return open();
    },
    async remove() {
      await siem?.close();
      for (const folder of [home, out]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const put = (siem: Siem, destination: Record<string, unknown>, secret: string | null = null) =>
  siem.put(destination as SiemDestination, secret);

/** Debian's syslog-ng behind TLS, which writes what it understood to a file. */
export async function startSyslogNg(
  program: string,
  files: { ca: string; cert: string; key: string },
  port: number,
  folder: string,
) {
  const file = (name: string) => join(folder, name);
  writeFileSync(
    file('syslog-ng.conf'),
    `@version: 3.38
options { keep-hostname(yes); log-msg-size(262144); flush-lines(1); stats-freq(0); };
source s {
  syslog(ip("127.0.0.1") port(${port}) transport("tls") max-connections(50)
    tls(key-file("${files.key}") cert-file("${files.cert}") ca-file("${files.ca}") peer-verify(required-trusted)));
};
destination d { file("${file('out.log')}" template("$PRI $PROGRAM $MSGID $MESSAGE\\n")); };
log { source(s); destination(d); };
`,
  );
  const args = [
    '-F',
    '--no-caps',
    '-f',
    file('syslog-ng.conf'),
    '-R',
    file('persist'),
    '-p',
    file('pid'),
    '-c',
    file('ctl'),
  ];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => {
    errors += text.toString();
  });
  const listens = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
      socket.once('secureConnect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('close', () => socket.destroy());
      setTimeout(() => socket.destroy(), 500);
    });
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`syslog-ng ended: ${errors}`);
    return listens();
  }, `syslog-ng listens ${errors}`);
  return {
    lines: () => (existsSync(file('out.log')) ? readFileSync(file('out.log'), 'utf8').split('\n').filter(Boolean) : []),
    stop: (signal: NodeJS.Signals = 'SIGTERM') =>
      new Promise<void>((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill(signal);
      }),
  };
}

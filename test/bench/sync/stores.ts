import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TargetConfig } from '../../../gateway/sync/targets/config.ts';
import { component } from '../../components.ts';
import { startSshd } from '../../support/openssh.ts';
import { startRadosgw } from '../../support/radosgw.ts';
import type { Load } from './objects.ts';

const run = promisify(execFile);

export interface BenchStore {
  kind: 'folder' | 'sftp' | 's3';
  tool: string;
  config: TargetConfig;
  secret: string;
  /** Puts the files into `folder` of the store with the plain tool, on disk when it ends where the target's are. */
  plain(load: Load, folder: string): Promise<void>;
  stop(): Promise<void>;
}

/** The stores that can be had here; a sentence for each that cannot. */
export const STORES: ReadonlyArray<() => Promise<BenchStore | string>> = [openFolder, openSftp, openS3];

async function openFolder(): Promise<BenchStore> {
  const folder = mkdtempSync(join(tmpdir(), 'cs-bench-store-'));
  return {
    kind: 'folder',
    tool: 'cp, then sync of file and folder, each in turn',
    config: TargetConfig.parse({ kind: 'folder', path: folder }),
    secret: '',
    async plain(load, into) {
      const to = join(folder, into);
      mkdirSync(to, { recursive: true });
      const copyEach = 'cd "$1" && shift && for file; do cp "$file" . && sync "$(basename "$file")" . || exit 1; done';
      await run('sh', ['-c', copyEach, 'sh', to, ...load.files.map((file) => join(load.folder, file))]);
    },
    stop: async () => rmSync(folder, { recursive: true }),
  };
}

async function openSftp(): Promise<BenchStore | string> {
  const [sshd, sftp] = [component('sshd'), component('sftp')];
  if (sshd.missing !== false || sftp.missing !== false) return `sftp: ${sshd.missing || sftp.missing}`;
  const server = await startSshd(sshd.path, { kind: 'plain' });
  const known = join(server.keyFile, '..', 'known_hosts');
  const batch = join(server.keyFile, '..', 'batch');
  writeFileSync(known, `[${server.host}]:${server.port} ${server.hostKeyLine}\n`);
  return {
    kind: 'sftp',
    tool: 'sftp with put -f (OpenSSH)',
    config: TargetConfig.parse({
      kind: 'sftp',
      host: server.host,
      port: server.port,
      user: server.user,
      path: server.path,
      hostKeys: [server.hostKey],
      auth: { method: 'key-file', file: server.keyFile },
    }),
    secret: '',
    async plain(load, into) {
      mkdirSync(join(server.folder, into), { recursive: true });
      const lines = load.files.map((file) => `put -f ${join(load.folder, file)} ${server.path}/${into}/${file}`);
      writeFileSync(batch, `${lines.join('\n')}\n`);
      const options = [`UserKnownHostsFile=${known}`, 'IdentitiesOnly=yes'].flatMap((option) => ['-o', option]);
      const login = ['-i', server.keyFile, '-P', `${server.port}`, `${server.user}@${server.host}`];
      await run(sftp.path, ['-q', '-b', batch, '-F', '/dev/null', ...options, ...login], { maxBuffer: 1e8 });
    },
    stop: () => server.stop(),
  };
}

async function openS3(): Promise<BenchStore | string> {
  const [radosgw, rclone] = [component('radosgw'), component('rclone')];
  if (radosgw.missing !== false || rclone.missing !== false) return `s3: ${radosgw.missing || rclone.missing}`;
  const server = await startRadosgw(radosgw.path);
  const endpoint = `http://${server.host}:${server.port}`;
  const env = {
    // Not the AWS settings of whoever runs this.
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CONFIG_BENCH_TYPE: 's3',
    RCLONE_CONFIG_BENCH_PROVIDER: 'Ceph',
    RCLONE_CONFIG_BENCH_ENDPOINT: endpoint,
    RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: server.accessKeyId,
    RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: server.secretAccessKey,
  };
  await run(rclone.path, ['mkdir', 'bench:bench'], { env });
  return {
    kind: 's3',
    tool: 'rclone copy, one transfer at a time',
    config: TargetConfig.parse({
      kind: 's3',
      endpoint,
      bucket: 'bench',
      accessKeyId: server.accessKeyId,
      secretAccessKey: 'store/bench',
    }),
    secret: server.secretAccessKey,
    async plain(load, into) {
      const oneByOne = ['--transfers', '1', '--checkers', '1', '--no-traverse', '--s3-no-check-bucket'];
      await run(rclone.path, ['copy', ...oneByOne, load.folder, `bench:bench/${into}`], { env });
    },
    stop: () => server.stop(),
  };
}

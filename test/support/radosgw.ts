import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeAuthority, type TestAuthority } from './certificates.ts';
import { freePort } from './postgres.ts';

const run = promisify(execFile);

/** A key that the server may encrypt objects with. */
export const KMS_KEY = 'countersign-test';

export interface TestRadosgw {
  host: string;
  port: number;
  /** Over TLS, with a certificate of an authority of its own. */
  httpsPort: number;
  caFile: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** `radosgw-admin` with these arguments. */
  admin(...args: string[]): Promise<string>;
  /** Ends and starts the S3 server; what is stored stays. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Ceph's S3 server with a monitor and one OSD that keeps everything in memory, on loopback. Takes about 13 s to come
 * up and 0.7 GB. @param radosgw path of the program; ceph-mon, ceph-osd and their tools are beside it.
 */
export async function startRadosgw(radosgw: string): Promise<TestRadosgw> {
  const folder = mkdtempSync(join(tmpdir(), 'cs-rgw-'));
  const authority = makeAuthority();
  const servers: ChildProcess[] = [];
  const clean = () => {
    for (const server of servers) server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
    authority.remove();
  };
  process.once('exit', clean);
  try {
    const cluster = await startCluster(folder, servers);
    return await startGateway(radosgw, authority, cluster, servers, () => {
      process.off('exit', clean);
      clean();
    });
  } catch (error) {
    process.off('exit', clean);
    clean();
    throw error;
  }
}

/** @returns the configuration file. */
async function startCluster(folder: string, servers: ChildProcess[]): Promise<string> {
  const file = (name: string) => join(folder, name);
  const [conf, keyring, fsid, osd] = [file('ceph.conf'), file('keyring'), randomUUID(), randomUUID()];
  const address = `[v2:127.0.0.1:${await freePort()}/0,v1:127.0.0.1:${await freePort()}/0]`;
  for (const name of ['mon', 'osd', 'run']) mkdirSync(file(name));
  const lines = [
    '[global]',
    `fsid = ${fsid}`,
    `mon host = ${address}`,
    'public addr = 127.0.0.1',
    'auth cluster required = cephx',
    'auth service required = cephx',
    'auth client required = cephx',
    `keyring = ${keyring}`,
    `run dir = ${file('run')}`,
    `admin socket = ${file('run')}/$name.asok`,
    'log file = /dev/null',
    'mon cluster log file = /dev/null',
    'osd pool default size = 1',
    'osd pool default min size = 1',
    'osd pool default pg num = 2',
    'osd pool default pg autoscale mode = off',
    'osd crush chooseleaf type = 0',
    'osd objectstore = memstore',
    'memstore device bytes = 2147483648',
    'osd max object name len = 256',
    'mon max pg per osd = 1000',
    `mon data = ${file('mon')}`,
    `osd data = ${file('osd')}`,
    `rgw data = ${folder}`,
    'rgw gc obj min wait = 10',
    // Of a server that was killed the others wait 30 s for an answer about their caches.
    'rgw cache enabled = false',
    'rgw crypt require ssl = false',
    `rgw crypt s3 kms encryption keys = ${KMS_KEY}=${randomBytes(32).toString('base64')}`,
    'rgw crypt s3 kms backend = testing',
  ];
  writeFileSync(conf, `${lines.join('\n')}\n`);
  const all = ['mon', 'osd', 'mgr', 'mds'].flatMap((kind) => ['--cap', kind, 'allow *']);
  await run('ceph-authtool', ['--create-keyring', keyring, '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *']);
  await run('ceph-authtool', [keyring, '--gen-key', '-n', 'client.admin', ...all]);
  await run('ceph-authtool', [
    keyring,
    '--gen-key',
    '-n',
    'osd.0',
    '--cap',
    'mon',
    'allow profile osd',
    '--cap',
    'osd',
    'allow *',
  ]);
  await run('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', address, file('monmap')]);
  await run('ceph-mon', ['-c', conf, '-i', 'a', '--mkfs', '--monmap', file('monmap'), '--keyring', keyring]);
  servers.push(spawn('ceph-mon', ['-c', conf, '-i', 'a', '-f'], { stdio: 'ignore' }));
  const ceph = (...args: string[]) => run('ceph', ['-c', conf, '--connect-timeout', '30', ...args]);
  await ceph('osd', 'new', osd);
  await ceph('auth', 'add', 'osd.0', '-i', keyring);
  await ceph('osd', 'crush', 'add', 'osd.0', '1', 'root=default', 'host=localhost');
  await run('ceph-osd', ['-c', conf, '-i', '0', '--mkfs', '--osd-uuid', osd]);
  servers.push(spawn('ceph-osd', ['-c', conf, '-i', '0', '-f'], { stdio: 'ignore' }));
  return conf;
}

async function startGateway(
  radosgw: string,
  authority: TestAuthority,
  conf: string,
  servers: ChildProcess[],
  clean: () => void,
): Promise<TestRadosgw> {
  const [port, httpsPort] = [await freePort(), await freePort()];
  const { certFile, keyFile } = authority.issue('localhost', ['DNS:localhost', 'IP:127.0.0.1']);
  const beast = `beast endpoint=127.0.0.1:${port} ssl_endpoint=127.0.0.1:${httpsPort} ssl_certificate=${certFile} ssl_private_key=${keyFile}`;
  let server: ChildProcess | null = null;
  const start = async () => {
    const started = spawn(radosgw, ['-c', conf, '-n', 'client.admin', '-f', '--rgw-frontends', beast], {
      stdio: 'ignore',
    });
    servers.push(started);
    server = started;
    await answering(port, started);
  };
  const kill = async () => {
    const ended = new Promise((done) => server?.once('close', done));
    server?.kill('SIGKILL');
    await ended;
  };
  const admin = async (...args: string[]) => (await run('radosgw-admin', ['-c', conf, ...args])).stdout;
  await start();
  const [accessKeyId, secretAccessKey] = [randomBytes(10).toString('hex'), randomBytes(20).toString('hex')];
  await admin(
    'user',
    'create',
    '--uid',
    'team',
    '--display-name',
    'Team',
    '--access-key',
    accessKeyId,
    '--secret-key',
    secretAccessKey,
  );
  return {
    host: '127.0.0.1',
    port,
    httpsPort,
    caFile: authority.caFile,
    accessKeyId,
    secretAccessKey,
    admin,
    start,
    kill,
    async stop() {
      const ended = servers.map((one) =>
        one.exitCode === null && one.signalCode === null ? new Promise((done) => one.once('close', done)) : null,
      );
      clean();
      await Promise.all(ended);
    },
  };
}

async function answering(port: number, server: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if (server.exitCode !== null) throw new Error('radosgw did not start');
    const open = await new Promise<boolean>((done) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => socket.destroy());
      socket.once('error', () => {});
      socket.once('close', (failed) => done(!failed));
    });
    if (open) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error('radosgw does not listen');
}

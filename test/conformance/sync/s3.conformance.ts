import { createHash, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StoreTarget } from '../../../gateway/sync/ports.ts';
import { type S3Config, TargetConfig } from '../../../gateway/sync/targets/config.ts';
import { openTarget } from '../../../gateway/sync/targets/open-target.ts';
import { openS3Target } from '../../../gateway/sync/targets/s3.ts';
import { type S3Client, s3Client } from '../../../gateway/sync/targets/s3-client.ts';
import { secretsOf } from '../../../gateway/sync/targets/secrets.ts';
import { component } from '../../components.ts';
import { KMS_KEY, startRadosgw, type TestRadosgw } from '../../support/radosgw.ts';
import { anyTime, body, fails, largeBody, listed, names, storeContract, text } from '../../support/store-target.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';

const radosgw = component('radosgw');

describe.skipIf(radosgw.missing)("Ceph's S3 server", () => {
  let server: TestRadosgw;
  const secrets = new Map<string, string>();
  const vault = { read: async (id: string) => secrets.get(id) ?? null };
  const opened: Array<{ close(): unknown }> = [];
  beforeAll(async () => {
    server = await startRadosgw(radosgw.path);
    secrets.set('store/s3', server.secretAccessKey);
  });
  afterAll(() => server?.stop());
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });

  const configOf = (bucket: string, changes: Record<string, unknown> = {}) =>
    TargetConfig.parse({
      kind: 's3',
      endpoint: `http://127.0.0.1:${server.port}`,
      bucket,
      accessKeyId: server.accessKeyId,
      secretAccessKey: 'store/s3',
      ...changes,
    }) as S3Config;
  function openStore(bucket: string, changes: Record<string, unknown> = {}): StoreTarget {
    const store = openTarget(configOf(bucket, changes), vault);
    opened.push(store);
    return store;
  }
  /** Requests as somebody else with the same credentials would send them. */
  function clientOf(bucket: string): S3Client {
    const client = s3Client(configOf(bucket), secretsOf(vault), () => new Date());
    opened.push(client);
    return client;
  }

  async function makeBucket(kind: 'plain' | 'versioned' | 'locked'): Promise<string> {
    const bucket = `b-${randomBytes(6).toString('hex')}`;
    const client = clientOf(bucket);
    const lock = kind === 'locked' ? { 'x-amz-bucket-object-lock-enabled': 'true' } : undefined;
    const made = await client.send({ method: 'PUT', headers: lock }, anyTime());
    made.bytes.resume();
    expect(made.status).toBe(200);
    if (kind === 'versioned') {
      const xml = Buffer.from('<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>');
      const sent = { size: xml.length, sha256: createHash('sha256').update(xml).digest('hex'), open: body(xml).open };
      const set = await client.send({ method: 'PUT', query: { versioning: '' }, body: sent }, anyTime());
      set.bytes.resume();
      expect(set.status).toBe(200);
    }
    return bucket;
  }

  async function overwrite(bucket: string, key: string, content: string): Promise<void> {
    const { size, sha256, open } = body(content);
    const sent = { size, sha256: Buffer.from(sha256).toString('hex'), open };
    const answer = await clientOf(bucket).send({ method: 'PUT', key, body: sent }, anyTime());
    answer.bytes.resume();
    expect(answer.status).toBe(200);
  }

  describe.each(['plain', 'versioned'] as const)('a %s bucket', (kind) => {
    let store: StoreTarget;
    beforeEach(async () => {
      store = openStore(await makeBucket(kind));
      await store.setUp(anyTime());
    });
    storeContract(() => store);

    it('keeps nothing of an upload when the server is killed in the middle', async () => {
      const kill = (at: number) => async (now: number) => {
        if (now === at) await server.kill();
      };
      const MIB = 1024 * 1024;
      for (const [size, at] of [
        [8 * MIB, 4 * MIB],
        [48 * MIB, 24 * MIB],
      ] as const) {
        await expect(store.create('acme/x', largeBody(size, kill(at)), anyTime())).rejects.toThrow(
          fails('SYNC_UNREACHABLE'),
        );
        await expect(store.create('acme/x', body('x'), anyTime())).rejects.toThrow(fails('SYNC_UNREACHABLE'));
        await server.start();
        expect(await names(store, 'acme/')).toEqual([]);
      }
      expect(await store.create('acme/x', body('whole'), anyTime())).toBe('created');
      expect(await text(await store.read('acme/x', anyTime()))).toBe('whole');
    });
  });

  it('keeps nothing of an upload when the network is cut, and goes on when it is back', async () => {
    const proxy = await startTcpProxy(server);
    const store = openStore(await makeBucket('plain'), { endpoint: `http://127.0.0.1:${proxy.port}` });
    await store.create('acme/first', body('x'), anyTime());
    const cut = (at: number) => {
      if (at === 4 * 1024 * 1024) proxy.cut();
    };
    await expect(store.create('acme/x', largeBody(8 * 1024 * 1024, cut), anyTime())).rejects.toThrow(
      fails('SYNC_UNREACHABLE'),
    );
    proxy.restore();
    expect(await names(store)).toEqual(['acme/first']);
    expect(await store.create('acme/x', body('x'), anyTime())).toBe('created');
    proxy.cut();
    proxy.restore();
    expect(await store.create('acme/y', body('y'), anyTime())).toBe('created');
    await proxy.stop();
  });

  it('gives up on a network that says nothing any more', async () => {
    const proxy = await startTcpProxy(server);
    const store = openStore(await makeBucket('plain'), { endpoint: `http://127.0.0.1:${proxy.port}` });
    proxy.silence();
    await expect(store.create('acme/x', body('x'), anyTime())).rejects.toThrow(fails('SYNC_UNREACHABLE'));
    await proxy.stop();
  });

  it('lists thousands of objects, page by page', async () => {
    const store = openStore(await makeBucket('versioned'));
    // The server gives a thousand at once.
    const count = process.env.COUNTERSIGN_FULL === '1' ? 2_500 : 1_100;
    const all = Array.from({ length: count }, (_, n) => `acme/${n % 10}/part-${n}`);
    const left = [...all];
    const write = async () => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) await store.create(name, body('x'), anyTime());
    };
    await Promise.all(Array.from({ length: 8 }, write));
    expect(await names(store, 'acme/')).toEqual(all.toSorted());
    expect(await names(store, 'acme/3/')).toHaveLength(count / 10);
  });

  it('lists each version of what somebody wrote over, and reads each', async () => {
    const bucket = await makeBucket('versioned');
    const store = openStore(bucket);
    await store.create('acme/x', body('first'), anyTime());
    await overwrite(bucket, 'acme/x', 'forged');
    const versions = await listed(store, 'acme/');
    expect(versions.map(({ name, size }) => [name, size])).toEqual([
      ['acme/x', 6],
      ['acme/x', 5],
    ]);
    const contents = versions.map(async ({ version }) => text(await store.read('acme/x', anyTime(), version)));
    expect(await Promise.all(contents)).toEqual(['forged', 'first']);
    await expect(store.create('acme/x', body('first'), anyTime())).rejects.toThrow(fails('SYNC_INTERRUPTED'));
    const removed = await clientOf(bucket).send({ method: 'DELETE', key: 'acme/x' }, anyTime());
    removed.bytes.resume();
    expect(await store.read('acme/x', anyTime())).toBeNull();
    expect(await listed(store, 'acme/')).toMatchObject([
      { name: 'acme/x', size: 6 },
      { name: 'acme/x', size: 5 },
      { name: 'acme/x', deleted: true },
    ]);
  });

  it('keeps below its prefix in a bucket that is shared', async () => {
    const bucket = await makeBucket('plain');
    const store = openStore(bucket, { prefix: 'countersign/team-a' });
    await store.create('acme/x', body('x'), anyTime());
    await overwrite(bucket, 'countersign/team-b/x', 'of others');
    expect(await names(store)).toEqual(['acme/x']);
    expect(await names(openStore(bucket))).toEqual(['countersign/team-a/acme/x', 'countersign/team-b/x']);
  });

  describe('what a bucket does, found out by trying', () => {
    it('plain: what is deleted is gone', async () => {
      const store = openStore(await makeBucket('plain'));
      const found = await store.probe(anyTime());
      expect(found).toMatchObject({ read: true, list: true, keepsVersions: false, refusesDelete: false });
      expect(found.sentences.join(' ')).toMatch(
        /refuses to create an object that is there.*keeps no versions.*Object Lock is not there/,
      );
      expect(await listed(store)).toEqual([]);
      await store.create('acme/x', body('x'), anyTime());
      expect(await store.create('acme/x', body('x'), anyTime())).toBe('exists');
    });

    it('versioned: versions stay until they are deleted themselves', async () => {
      const store = openStore(await makeBucket('versioned'));
      const found = await store.probe(anyTime());
      expect(found).toMatchObject({ keepsVersions: true, refusesDelete: false, refusesOverwrite: false });
      expect(found.sentences.join(' ')).toMatch(/ignores If-None-Match.*stays as a version.*deleted for good/);
      expect(await listed(store)).toEqual([]);
    });

    it('locked for good: no version can be deleted, and no retention shortened', async () => {
      const bucket = await makeBucket('locked');
      const store = openStore(bucket, { lock: { mode: 'COMPLIANCE', days: 1 } });
      const found = await store.probe(anyTime());
      expect(found).toMatchObject({ keepsVersions: true, refusesDelete: true });
      expect(found.sentences.join(' ')).toContain('Object Lock (COMPLIANCE) is enforced');
      for (const size of [10, 40 * 1024 * 1024]) {
        const name = `acme/${size}`;
        await store.create(name, largeBody(size), anyTime());
        const query = { versionId: (await listed(store, name))[0]?.version ?? '' };
        const answer = await clientOf(bucket).send({ method: 'DELETE', key: name, query }, anyTime());
        answer.bytes.resume();
        expect(answer.status).toBe(403);
      }
    });

    it('locked by governance: who may bypass it, may delete', async () => {
      const store = openStore(await makeBucket('locked'), { lock: { mode: 'GOVERNANCE', days: 1 } });
      const found = await store.probe(anyTime());
      expect(found).toMatchObject({ keepsVersions: true, refusesDelete: false });
      expect(found.sentences.join(' ')).toContain('Object Lock (GOVERNANCE) is not enforced');
    });

    it('a lock that is asked of a bucket without one is refused before anything is written', async () => {
      const store = openStore(await makeBucket('plain'), { lock: { mode: 'COMPLIANCE', days: 1 } });
      await expect(store.probe(anyTime())).rejects.toThrow(fails('SYNC_REFUSED'));
      expect(await listed(store)).toEqual([]);
    });

    it('encryption that is asked for', async () => {
      const sse = { algorithm: 'aws:kms', keyId: KMS_KEY };
      const store = openStore(await makeBucket('plain'), { sse });
      expect((await store.probe(anyTime())).sentences.join(' ')).toContain('encrypt objects and says that it does');
      await store.create('acme/x', body('x'), anyTime());
      expect(await text(await store.read('acme/x', anyTime()))).toBe('x');
      await store.create('acme/large', largeBody(40 * 1024 * 1024), anyTime());
    });
  });

  describe('who the server is, and who we are to it', () => {
    let bucket: string;
    beforeAll(async () => {
      bucket = await makeBucket('plain');
    });
    const attempt = (changes: Record<string, unknown>) =>
      openStore(bucket, changes).create(`acme/${randomBytes(4).toString('hex')}`, body('x'), anyTime());

    it('trusts a certificate of the authority that is named, for its name only', async () => {
      const endpoint = `https://localhost:${server.httpsPort}`;
      expect(await attempt({ endpoint, caFile: server.caFile })).toBe('created');
      await expect(attempt({ endpoint })).rejects.toThrow(fails('SYNC_REFUSED'));
      await expect(attempt({ endpoint })).rejects.toThrow('name its authority with caFile');
      const other = `https://127.0.0.2:${server.httpsPort}`;
      await expect(attempt({ endpoint: other, caFile: server.caFile })).rejects.toThrow(/SYNC|not trusted|reached/);
      await expect(attempt({ endpoint, caFile: '/nowhere' })).rejects.toThrow('cannot be read');
    });

    it('says that a key or its secret is wrong, and shows no secret', async () => {
      await expect(attempt({ accessKeyId: 'nobody' })).rejects.toThrow('does not accept the access key nobody');
      secrets.set('store/wrong', 'wrong-secret');
      const wrong = attempt({ secretAccessKey: 'store/wrong' });
      await expect(wrong).rejects.toThrow(fails('SYNC_REFUSED'));
      await expect(wrong).rejects.toThrow('SignatureDoesNotMatch');
      await expect(wrong).rejects.not.toThrow('wrong-secret');
      await expect(attempt({ secretAccessKey: 'store/none' })).rejects.toThrow('no secret store/none');
    });

    it('says that there is no such bucket, and no server', async () => {
      await expect(openStore('no-such-bucket').create('x', body('x'), anyTime())).rejects.toThrow('has no bucket');
      await expect(names(openStore('no-such-bucket'))).rejects.toThrow(fails('SYNC_REFUSED'));
      await expect(attempt({ endpoint: 'http://127.0.0.1:1' })).rejects.toThrow(fails('SYNC_UNREACHABLE'));
    });

    it.each([
      ['ahead', 1],
      ['behind', -1],
    ])('says by how much a clock is wrong that is a day %s', async (word, days) => {
      const now = () => new Date(Date.now() + days * 24 * 60 * 60 * 1000);
      const store = openS3Target(configOf(bucket), secretsOf(vault), now);
      opened.push(store);
      const sentence = new RegExp(`clock is wrong by 1(440|439|441) minutes ${word}`);
      await expect(store.create('acme/clock', body('x'), anyTime())).rejects.toThrow(sentence);
      await expect(names(store)).rejects.toThrow(sentence);
      await expect(store.read('acme/clock', anyTime())).rejects.toThrow(fails('SYNC_REFUSED'));
    });

    it('says that a quota is used up, and goes on when there is room', async () => {
      const quota = (...args: string[]) => server.admin('quota', ...args, '--quota-scope=user', '--uid=team');
      await server.admin('user', 'modify', '--uid=team', '--max-buckets=1000');
      await quota('set', '--max-objects=1');
      await quota('enable');
      try {
        await expect
          .poll(
            () =>
              attempt({}).then(
                () => null,
                (error) => error.code,
              ),
            { timeout: 60_000, interval: 1000 },
          )
          .toBe('SYNC_FULL');
      } finally {
        await quota('disable');
      }
      await expect.poll(() => attempt({}).catch(() => null), { timeout: 60_000, interval: 1000 }).toBe('created');
    });

    it('may write and not read with a policy of the bucket', async () => {
      const user = JSON.parse(await server.admin('user', 'create', '--uid=device', '--display-name=Device')) as {
        keys: Array<{ access_key: string; secret_key: string }>;
      };
      const [key] = user.keys;
      secrets.set('store/device', key?.secret_key ?? '');
      const policy = Buffer.from(
        JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: { AWS: ['arn:aws:iam:::user/device'] },
              Action: ['s3:PutObject'],
              Resource: [`arn:aws:s3:::${bucket}/*`],
            },
            // Who wrote an object owns it, and may read it unless that is denied.
            {
              Effect: 'Deny',
              Principal: { AWS: ['arn:aws:iam:::user/device'] },
              Action: ['s3:GetObject'],
              Resource: [`arn:aws:s3:::${bucket}/*`],
            },
          ],
        }),
      );
      const sent = {
        size: policy.length,
        sha256: createHash('sha256').update(policy).digest('hex'),
        open: body(policy).open,
      };
      const set = await clientOf(bucket).send({ method: 'PUT', query: { policy: '' }, body: sent }, anyTime());
      set.bytes.resume();
      expect(set.status).toBeLessThan(300);
      const device = openStore(bucket, { accessKeyId: key?.access_key, secretAccessKey: 'store/device' });
      expect(await device.create('acme/by-device', body('x'), anyTime())).toBe('created');
      await expect(device.read('acme/by-device', anyTime())).rejects.toThrow(fails('SYNC_WRITE_ONLY'));
      await expect(listed(device)).rejects.toThrow(fails('SYNC_WRITE_ONLY'));
      expect(await device.probe(anyTime())).toMatchObject({ read: false, list: false });
      expect(await names(openStore(bucket), 'acme/by-device')).toEqual(['acme/by-device']);
    });
  });
});

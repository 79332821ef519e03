import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importStore } from '../../../gateway/audit/import/store.ts';
import { failures, report, TestWorkspaces } from '../../../gateway/audit/test-import.ts';
import type { StoreTarget } from '../../../gateway/sync/ports.ts';
import { type S3Config, TargetConfig } from '../../../gateway/sync/targets/config.ts';
import { openTarget } from '../../../gateway/sync/targets/open-target.ts';
import { s3Client } from '../../../gateway/sync/targets/s3-client.ts';
import { secretsOf } from '../../../gateway/sync/targets/secrets.ts';
import { component } from '../../components.ts';
import { startRadosgw, type TestRadosgw } from '../../support/radosgw.ts';
import { anyTime, body } from '../../support/store-target.ts';

/** The store of the vectors on a real S3 server that keeps versions, as an auditor imports it. */
const radosgw = component('radosgw');
const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../../vectors/evidence/stores.json'), 'utf8')) as {
  root: string;
  now: string;
  store: Record<string, string>;
};
const now = Date.parse(vectors.now);
const objects = Object.entries(vectors.store).map(([name, text]) => [name, Buffer.from(text, 'base64')] as const);

describe.skipIf(radosgw.missing)("an import from Ceph's S3 server", () => {
  let server: TestRadosgw;
  let store: StoreTarget;
  let config: S3Config;
  const dir = mkdtempSync(join(tmpdir(), 'cs-audit-s3-'));
  const secrets = new Map<string, string>();
  const vault = { read: async (id: string) => secrets.get(id) ?? null };

  async function send(
    method: 'PUT' | 'DELETE',
    more: { query?: Record<string, string>; key?: string; text?: Buffer } = {},
  ) {
    const client = s3Client(config, secretsOf(vault), () => new Date());
    const { text, ...rest } = more;
    const sent =
      text === undefined
        ? {}
        : {
            body: { size: text.length, sha256: createHash('sha256').update(text).digest('hex'), open: body(text).open },
          };
    const answer = await client.send({ method, ...rest, ...sent }, anyTime());
    answer.bytes.resume();
    client.close();
    expect(answer.status).toBeLessThan(300);
  }

  beforeAll(async () => {
    server = await startRadosgw(radosgw.path);
    secrets.set('store/s3', server.secretAccessKey);
    config = TargetConfig.parse({
      kind: 's3',
      endpoint: `http://127.0.0.1:${server.port}`,
      bucket: `b-${randomBytes(6).toString('hex')}`,
      accessKeyId: server.accessKeyId,
      secretAccessKey: 'store/s3',
    }) as S3Config;
    await send('PUT');
    const versioning = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
    await send('PUT', { query: { versioning: '' }, text: Buffer.from(versioning) });
    store = openTarget(config, vault);
    await store.setUp(anyTime());
    for (const [name, bytes] of objects) await store.create(name, body(bytes), anyTime());
  });
  afterAll(async () => {
    await store?.close();
    await server?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('verifies, takes nothing twice, and sees what was written over', async () => {
    const workspace = (await TestWorkspaces.make(dir, vectors.root)).next();
    const take = async () => {
      const books = workspace.books('write');
      const outcome = await importStore(workspace, books, store, { identities: [], signal: anyTime(), now: () => now });
      books.close();
      return outcome;
    };
    const look = async () => failures(await report(workspace, now));
    expect(await take()).toMatchObject({ fresh: objects.length, seen: objects.length });
    expect(await look()).toEqual([]);
    expect(await take()).toMatchObject({ fresh: 0 });
    const [name, bytes] = objects.find(([one]) => /log\/tile\/entries/.test(one))!;
    const other = Buffer.from(bytes);
    other[40]! ^= 1;
    await send('PUT', { key: name, text: other });
    expect(await take()).toMatchObject({ unusual: { changed: 1 } });
    expect((await look()).join()).toContain('The store holds more than one version of it');
  });

  it('takes what was written first, though it was written over and deleted before anybody looked', async () => {
    const [name] = objects.find(([one]) => /log\/checkpoint\.\d+$/.test(one))!;
    await send('PUT', { key: name, text: Buffer.from('nothing of the kind') });
    const [part] = objects.find(([one]) => /part-/.test(one))!;
    await send('DELETE', { key: part });
    const workspace = (await TestWorkspaces.make(join(dir, 'late'), vectors.root)).next();
    const books = workspace.books('write');
    const options = { identities: [], signal: anyTime(), now: () => now };
    expect(await importStore(workspace, books, store, options)).toMatchObject({
      unusual: { torso: 0, changed: 2 },
      deleted: [part],
    });
    expect(await importStore(workspace, books, store, options)).toMatchObject({ fresh: 0 });
    books.close();
    const found = failures(await report(workspace, now));
    expect(found).toEqual([
      expect.stringMatching(/^log: Another checkpoint\.\d+ is damaged/),
      expect.stringMatching(/^one history: .*The store holds more than one version of it/i),
    ]);
    for (const [one, bytes] of objects) {
      if (!one.includes('/part-')) expect(readFileSync(workspace.kept(one)).equals(bytes)).toBe(true);
    }
  });
});

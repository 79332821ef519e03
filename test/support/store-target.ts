import { createHash, randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import type { ObjectBody, StoreObject, StoreTarget } from '../../gateway/sync/ports.ts';

export const anyTime = () => AbortSignal.timeout(100_000);
export const fails = (code: string) => expect.objectContaining({ code });

export function body(bytes: Uint8Array | string): ObjectBody {
  const whole = Buffer.from(bytes);
  return {
    size: whole.length,
    sha256: createHash('sha256').update(whole).digest(),
    async *open() {
      for (let at = 0; at < whole.length; at += 65_536) yield whole.subarray(at, at + 65_536);
    },
  };
}

/** `size` bytes that are made as they are read, after `meanwhile` was called with how many were before. */
export function largeBody(size: number, meanwhile: (at: number) => Promise<void> | void = () => {}): ObjectBody {
  const block = randomBytes(65_536);
  const pieces = function* () {
    for (let at = 0; at < size; at += block.length) yield block.subarray(0, Math.min(block.length, size - at));
  };
  const hash = createHash('sha256');
  for (const piece of pieces()) hash.update(piece);
  return {
    size,
    sha256: hash.digest(),
    async *open() {
      let at = 0;
      for (const piece of pieces()) {
        await meanwhile(at);
        yield piece;
        at += piece.length;
      }
    },
  };
}

export async function text(bytes: AsyncIterable<Uint8Array> | null): Promise<string | null> {
  if (bytes === null) return null;
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export async function listed(target: StoreTarget, prefix = ''): Promise<StoreObject[]> {
  const all: StoreObject[] = [];
  for await (const object of target.list(prefix, anyTime())) all.push(object);
  return all;
}

export const names = async (target: StoreTarget, prefix = '') =>
  (await listed(target, prefix)).map((object) => object.name);

export const BAD_NAMES = [
  '',
  '/etc/passwd',
  '../up',
  'a/../b',
  'a//b',
  'a/',
  './a',
  '.hidden',
  'a/.part',
  'a b',
  'a\\b',
  'C:x',
  'a\nb',
  'a\0b',
  'a%2fb',
  'ä',
  '\u202Ea',
  'con',
  'a/NUL.txt',
  'ends.',
  '-option',
  'x'.repeat(121),
  `${'a/'.repeat(300)}a`,
] as const;

/** What holds for every store that can be read. Each test works below a folder of its own. */
export function storeContract(open: () => StoreTarget): void {
  it('creates objects, says that one is there already, gives them back and lists them in the order of names', async () => {
    const store = open();
    const inOrder = ['acme/a-1', 'acme/a.1', 'acme/a/1', 'acme/a/2/x', 'acme/a/b', 'acme/a0', 'acme/log/checkpoint.12'];
    for (const name of inOrder.toReversed()) {
      expect(await store.create(name, body(`content of ${name}`), anyTime())).toBe('created');
    }
    expect(await store.create('acme/a/1', body('content of acme/a/1'), anyTime())).toBe('exists');
    expect(await text(await store.read('acme/a/2/x', anyTime()))).toBe('content of acme/a/2/x');
    expect(await store.read('acme/a/3', anyTime())).toBeNull();
    expect(await store.read('acme/a', anyTime())).toBeNull();
    expect(await names(store, 'acme/')).toEqual(inOrder);
    expect(await names(store, 'acme/a/')).toEqual(['acme/a/1', 'acme/a/2/x', 'acme/a/b']);
    expect(await names(store, 'acme/a')).toEqual(inOrder.slice(0, 6));
    expect(await names(store, 'acme/log/check')).toEqual(['acme/log/checkpoint.12']);
    expect(await names(store, 'nobody/')).toEqual([]);
    expect((await listed(store, 'acme/a/1'))[0]).toMatchObject({ size: 'content of acme/a/1'.length });
  });

  it('lists what is behind a name, and takes objects away', async () => {
    const store = open();
    const inOrder = ['mail/a-1/x', 'mail/a/1', 'mail/a/2', 'mail/b/1', 'mail/b0'];
    for (const name of inOrder) await store.create(name, body(name), anyTime());
    const behind = async (after: string) => {
      const found: string[] = [];
      for await (const { name } of store.list('mail/', anyTime(), after)) found.push(name);
      return found;
    };
    expect(await behind('mail/a/1')).toEqual(inOrder.slice(2));
    expect(await behind('mail/a/~')).toEqual(inOrder.slice(3));
    expect(await behind('mail/b0')).toEqual([]);
    await store.remove('mail/a/2', anyTime());
    await store.remove('mail/a/2', anyTime());
    await store.remove('mail/nobody/1', anyTime());
    expect(await store.read('mail/a/2', anyTime())).toBeNull();
    expect((await listed(store, 'mail/a/')).filter(({ deleted }) => !deleted).map(({ name }) => name)).toContain(
      'mail/a/1',
    );
    await expect(store.remove('../up', anyTime())).rejects.toThrow(fails('SYNC_BAD_NAME'));
  });

  it('changes nothing where another content is under the name, and asks for the next name', async () => {
    const store = open();
    await store.create('other/x', body('first'), anyTime());
    await expect(store.create('other/x', body('other'), anyTime())).rejects.toThrow(fails('SYNC_INTERRUPTED'));
    await expect(store.create('other/x', body('longer than it'), anyTime())).rejects.toThrow(fails('SYNC_INTERRUPTED'));
    expect(await text(await store.read('other/x', anyTime()))).toBe('first');
    expect(await listed(store, 'other/')).toHaveLength(1);
  });

  it('writes an empty object', async () => {
    const store = open();
    expect(await store.create('empty/x', body(''), anyTime())).toBe('created');
    expect(await store.create('empty/x', body(''), anyTime())).toBe('exists');
    expect(await text(await store.read('empty/x', anyTime()))).toBe('');
  });

  it('lets one of two win that create the same at once', async () => {
    const store = open();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, () => store.create('race/x', body('the same'), anyTime())),
    );
    expect(outcomes.filter((one) => one.status === 'fulfilled').length).toBeGreaterThan(0);
    expect(await text(await store.read('race/x', anyTime()))).toBe('the same');
    const there = new Set(await names(store, 'race/'));
    expect([...there]).toEqual(['race/x']);
  });

  it.each(BAD_NAMES)('refuses the name %j', async (name) => {
    const store = open();
    await expect(store.create(name, body('x'), anyTime())).rejects.toThrow(fails('SYNC_BAD_NAME'));
    await expect(store.read(name, anyTime())).rejects.toThrow(fails('SYNC_BAD_NAME'));
  });

  it.each([
    ['fewer', 3],
    ['more', 1],
  ])('uploads nothing of a body that has %s bytes than announced', async (_, size) => {
    const store = open();
    const wrong = { ...body('xx'), size };
    await expect(store.create('wrong/x', wrong, anyTime())).rejects.toThrow(fails('SYNC_BODY_CHANGED'));
    expect(await names(store, 'wrong/')).toEqual([]);
    expect(await store.create('wrong/x', body('xx'), anyTime())).toBe('created');
  });

  it('stops when told to, leaves nothing under the name, and goes on afterwards', async () => {
    const store = open();
    const stop = new AbortController();
    const large = largeBody(4 * 1024 * 1024, (at) => {
      if (at > 1_000_000) stop.abort(new Error('stop'));
    });
    await expect(store.create('stop/x', large, stop.signal)).rejects.toThrow('stop');
    await expect(store.create('stop/x', large, stop.signal)).rejects.toThrow('stop');
    expect(await store.create('stop/x', large, anyTime())).toBe('created');
    expect((await listed(store, 'stop/')).map((object) => object.size)).toEqual([large.size]);
  });

  it('writes and reads 64 MiB without holding them', async () => {
    const store = open();
    const size = 64 * MIB;
    const before = held();
    let most = 0;
    const measure = (at: number) => {
      if (at % (8 * MIB) === 0) most = Math.max(most, held() - before);
    };
    const large = largeBody(size, measure);
    expect(await store.create('large/x', large, anyTime())).toBe('created');
    let got = 0;
    const hash = createHash('sha256');
    for await (const chunk of (await store.read('large/x', anyTime())) ?? []) {
      got += chunk.length;
      hash.update(chunk);
      measure(got);
    }
    expect(got).toBe(size);
    expect(hash.digest().equals(large.sha256)).toBe(true);
    expect(most / MIB).toBeLessThan(16);
  });
}

const MIB = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes that are in use once everything unused has gone. */
function held(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers, external } = process.memoryUsage();
  return heapUsed + Math.max(arrayBuffers, external);
}

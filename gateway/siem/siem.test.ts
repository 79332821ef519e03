import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority, type TestAuthority } from '../../test/support/certificates.ts';
import { openSiemFile } from './config.ts';
import { events, statement } from './mapping/test-events.ts';
import { put, testSiem, until } from './test-siem.ts';

let undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of undo.reverse()) await one();
  undo = [];
});
const fresh = (options?: Parameters<typeof testSiem>[0]) => {
  const made = testSiem(options);
  undo.push(() => made.remove());
  return made;
};
const read = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n');
const indexOf = (line: string) => /\/statement\/(\d+)/.exec(line)?.[1];

type Answer = (request: IncomingMessage, body: string, response: ServerResponse) => void;

async function listen(server: Server, answer: Answer): Promise<string> {
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    request.on('error', () => {});
    request.on('data', (part: Buffer) => {
      body += part.toString();
    });
    request.on('end', () => answer(request, body, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  undo.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  const secure = 'setSecureContext' in server;
  return `${secure ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}/in`;
}

describe('a file', () => {
  it('has a line for each event, may be read by nobody else, and rotates', async () => {
    const { siem, out: home } = fresh();
    const path = join(home, 'events.log');
    await put(siem, { id: 'file', kind: 'file', path, statements: 'all', maxBytes: 65_536, keep: 2 });
    for (const event of events) siem.happened(event);
    await until(() => existsSync(path) && read(path).length === events.length, 'events in the file');
    for (const line of read(path))
      expect(JSON.parse(line)).toMatchObject({ metadata: { product: { name: 'Countersign' } } });
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600);
    for (let i = 0; i < 200; i += 1) siem.happened(statement({ index: 1000 + i }));
    const files = () =>
      readdirSync(home)
        .filter((name) => name.startsWith('events.log'))
        .sort();
    await until(() => files().length === 3, 'rotation');
    await until(async () => (await siem.status())[0]!.sent === events.length + 200, 'all sent');
    expect(files()).toEqual(['events.log', 'events.log.1', 'events.log.2']);
    for (const name of files()) expect(statSync(join(home, name)).size).toBeLessThanOrEqual(65_536);
  });

  it('gets what is noteworthy, without texts, unless more was asked for', async () => {
    const { siem, out: home } = fresh();
    const [all, few, none] = ['all', 'few', 'none'].map((name) => join(home, `${name}.log`)) as [
      string,
      string,
      string,
    ];
    const kind = 'file';
    await put(siem, { id: 'all', kind, path: all, statements: 'all', texts: true, format: 'cef' });
    await put(siem, { id: 'few', kind, path: few });
    await put(siem, { id: 'none', kind, path: none, statements: 'none' });
    const read_ = { verdict: 'allowed', class: 'read', op: 'SELECT', sqlstate: null, decidedBy: null } as const;
    siem.happened(statement({ ...read_, index: 1, text: 'SELECT secret' }));
    siem.happened(statement({ ...read_, index: 2, sqlstate: '42P01', text: 'SELECT secret', errorText: 'no secret' }));
    siem.happened(events[0]!);
    const sent = async () => (await siem.status()).map((one) => one.sent).join();
    await until(async () => (await sent()) === '3,2,1', 'all sent');
    expect(read(all)).toHaveLength(3);
    expect(readFileSync(all, 'utf8')).toContain('SELECT secret');
    expect(read(few).map(indexOf)).toEqual(['2', undefined]);
    expect(readFileSync(few, 'utf8')).not.toContain('secret');
    expect(read(none)).toHaveLength(1);
  });

  it('that cannot be written makes events wait, and says so', async () => {
    const { siem, out: home, said } = fresh();
    writeFileSync(join(home, 'blocked'), '');
    await put(siem, { id: 'file', kind: 'file', path: join(home, 'blocked', 'events.log') });
    siem.happened(statement());
    await until(async () => (await siem.status())[0]!.error !== null, 'an error');
    expect((await siem.status())[0]).toMatchObject({ waiting: 1, sent: 0, error: expect.stringMatching(/ENOTDIR/) });
    expect(said).toEqual([expect.stringMatching(/events wait for the SIEM file: .*ENOTDIR/)]);
  });
});

describe('an HTTP endpoint', () => {
  let authority: TestAuthority;
  beforeAll(() => {
    authority = makeAuthority();
  });
  afterAll(() => authority.remove());

  it('gets batches in order, each until it has it: over errors, Retry-After, and a connection that breaks', async () => {
    const { siem, waits, vault } = fresh({ hurry: 200 });
    const got: string[] = [];
    const trouble: Answer[] = [
      (_request, _body, response) => response.writeHead(503, { 'retry-after': '7' }).end(),
      (_request, _body, response) => response.writeHead(500).end(),
      (request) => request.socket.destroy(),
      (request, _body, response) => {
        // An answer that breaks off says nothing.
        response.writeHead(200, { 'content-length': '100' }).write('ok');
        setTimeout(() => request.socket.destroy(), 20);
      },
      (_request, _body, response) => response.writeHead(413).end(),
    ];
    const secrets = new Set<unknown>();
    const url = await listen(createServer(), (request, body, response) => {
      secrets.add(request.headers['x-key']);
      const next = trouble.shift();
      if (next) return next(request, body, response);
      got.push(...body.trimEnd().split('\n'));
      response.end('{}');
    });
    await put(siem, { id: 'web', kind: 'http', url, secretHeader: 'x-key', batch: 10 }, 'Splunk s3cret');
    for (let i = 0; i < 25; i += 1) siem.happened(statement({ index: i }));
    await until(() => got.length === 25, 'all events');
    expect(got.map(indexOf)).toEqual(Array.from({ length: 25 }, (_, i) => String(i)));
    expect(secrets).toEqual(new Set(['Splunk s3cret']));
    expect(waits.filter((wait) => wait >= 1000)).toEqual([7000, 2000, 4000, 8000]);
    await until(async () => (await siem.status())[0]!.waiting === 0, 'nothing waits');
    expect((await siem.status())[0]).toMatchObject({ sent: 25, dropped: 0, error: null, hasSecret: true });
    expect(await vault.read('siem:web')).toBe('Splunk s3cret');
  });

  it('keeps its secret for the place it was given for', async () => {
    const { siem, vault } = fresh();
    const url = await listen(createServer(), (_request, _body, response) => response.end());
    await put(siem, { id: 'web', kind: 'http', url }, 'Splunk s3cret');
    for (const elsewhere of [
      { url: 'https://evil.example/in' },
      { url, secretHeader: 'x-key' },
      { url, caFile: '/ca' },
    ])
      await expect(put(siem, { id: 'web', kind: 'http', ...elsewhere })).rejects.toMatchObject({
        code: 'SIEM_SECRET_REQUIRED',
      });
    expect((await siem.status()).map(({ destination }) => destination)).toMatchObject([{ url }]);
    await put(siem, { id: 'web', kind: 'http', url, batch: 7 });
    await put(siem, { id: 'web', kind: 'http', url: `${url}/2` }, 'another');
    expect(await vault.read('siem:web')).toBe('another');
  });

  it('is trusted by its certificate only, and told with words when it is not', async () => {
    const { siem } = fresh();
    const good = authority.issue('localhost', ['IP:127.0.0.1']);
    const wrong = authority.issue('elsewhere', ['DNS:elsewhere']);
    let got = 0;
    const answer: Answer = (_request, _body, response) => {
      got += 1;
      response.end();
    };
    const secure = (one: typeof good) => listen(createSecureServer(one), answer);
    await put(siem, { id: 'a', kind: 'http', url: await secure(good) });
    await put(siem, { id: 'b', kind: 'http', url: await secure(wrong), caFile: authority.caFile });
    await put(siem, { id: 'c', kind: 'http', url: await secure(good), caFile: authority.caFile });
    await put(siem, {
      id: 'd',
      kind: 'http',
      url: await secure(wrong),
      caFile: authority.caFile,
      serverName: 'elsewhere',
    });
    expect((await siem.test('a')).sentence).toMatch(/not by an authority that is trusted/);
    expect((await siem.test('b')).sentence).toMatch(/certificate is for another name/);
    expect(got).toBe(0);
    expect(await siem.test('c')).toEqual({ ok: true, sentence: 'c has taken a test event.' });
    expect((await siem.test('d')).ok).toBe(true);
  });

  it('that refuses, redirects or is not there is named', async () => {
    const { siem } = fresh();
    const url = await listen(createServer(), (request, _body, response) => {
      response.writeHead(request.url === '/in' ? 401 : 302, { location: 'http://127.0.0.1:1/' }).end();
    });
    await put(siem, { id: 'a', kind: 'http', url });
    await put(siem, { id: 'b', kind: 'http', url: `${url}/moved` });
    await put(siem, { id: 'c', kind: 'http', url: 'http://127.0.0.1:9/' });
    expect((await siem.test('a')).sentence).toMatch(/refuses the credentials \(HTTP 401\)/);
    expect((await siem.test('b')).sentence).toMatch(/sends elsewhere \(HTTP 302\)/);
    expect((await siem.test('c')).sentence).toMatch(/nothing listens there/);
  });
});

describe('the spool', () => {
  it('survives a kill, and everything is sent afterwards', async () => {
    const made = fresh();
    const path = join(made.out, 'events.log');
    await put(made.siem, { id: 'late', kind: 'file', path: join(made.out, 'missing', 'events.log') });
    await made.siem.close();
    const program = fileURLToPath(new URL('./test-crash.ts', import.meta.url));
    const { signal, stderr } = spawnSync(process.execPath, [program, made.home, '500'], { encoding: 'utf8' });
    expect([signal, stderr]).toEqual(['SIGKILL', '']);
    const siem = await made.reopen();
    expect((await siem.status())[0]).toMatchObject({ waiting: 500 });
    await put(siem, { id: 'late', kind: 'file', path });
    await until(() => existsSync(path) && read(path).length === 500, 'all events');
    expect(read(path).map(indexOf)).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
  });

  it('that is full gives up the oldest, counts them, and tells the SIEM of the gap first', async () => {
    const made = fresh({ spoolBytes: 1_048_576 });
    const path = join(made.out, 'events.log');
    const destination = { id: 'late', kind: 'file', path: join(made.out, 'missing', 'events.log') };
    await put(made.siem, destination);
    const total = 3000;
    for (let i = 0; i < total; i += 1) {
      made.siem.happened(statement({ index: i, at: 1_772_600_000_000_000 + i }));
      if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until(async () => (await made.siem.status())[0]!.waiting > 0, 'events wait');
    await until(async () => {
      const [{ waiting, dropped } = { waiting: 0, dropped: 0 }] = await made.siem.status();
      return waiting + dropped === total;
    }, 'each event waits or is counted');
    const [{ dropped } = { dropped: 0 }] = await made.siem.status();
    expect(dropped).toBeGreaterThan(0);
    const siem = await made.reopen();
    await put(siem, { ...destination, path });
    await until(async () => (await siem.status())[0]!.waiting === 0, 'the rest is sent');
    const [gap, first, ...rest] = read(path);
    expect(JSON.parse(gap!)).toMatchObject({ class_uid: 2004 });
    expect(gap).toContain(`${dropped} events were given up`);
    expect(indexOf(first!)).toBe(String(dropped));
    expect(rest).toHaveLength(total - dropped - 1);
    expect((await siem.status())[0]).toMatchObject({ dropped, sent: total - dropped });
  });

  it('forgets what was for a destination that was removed', async () => {
    const { siem, out: home } = fresh();
    await put(siem, { id: 'gone', kind: 'file', path: join(home, 'missing', 'x') });
    siem.happened(statement());
    await until(async () => (await siem.status())[0]!.waiting === 1, 'it waits');
    await siem.remove('gone');
    expect(await siem.status()).toEqual([]);
    await expect(siem.remove('gone')).rejects.toMatchObject({ code: 'SIEM_UNKNOWN' });
    await put(siem, { id: 'gone', kind: 'file', path: join(home, 'events.log') });
    expect((await siem.status())[0]).toMatchObject({ waiting: 0 });
  });
});

describe('the configuration', () => {
  it('that somebody edited meanwhile is not written over, and counts from the next start', async () => {
    const { siem, home, out, vault, reopen } = fresh();
    const one = { id: 'one', kind: 'file', path: join(out, 'one.log') };
    await put(siem, one);
    const file = join(home, 'siem.json');
    const edited = readFileSync(file, 'utf8').replace('one.log', 'two.log');
    writeFileSync(file, edited);
    const web = { id: 'web', kind: 'http', url: 'https://siem.example/in', secretHeader: 'x-key' };
    for (const change of [put(siem, web, 'a secret'), siem.remove('one')]) {
      await expect(change).rejects.toMatchObject({ code: 'CONFIG_CHANGED', message: expect.stringContaining(file) });
    }
    expect(readFileSync(file, 'utf8')).toBe(edited);
    expect(await vault.has('siem:web')).toBe(false);
    siem.happened(statement());
    await until(() => existsSync(one.path), 'an event where it was configured');
    const again = await reopen();
    expect((await again.status())[0]?.destination).toMatchObject({ path: join(out, 'two.log') });
    await again.remove('one');
    expect(await again.status()).toEqual([]);
  });

  it('lets no events be written over the gateway’s own files', async () => {
    const { siem, home, out } = fresh();
    symlinkSync(home, join(out, 'link'));
    for (const path of [join(home, 'pin.json'), join(out, 'link', 'pin.json'), `${out}/../${basename(home)}/vault`]) {
      await expect(put(siem, { id: 'a', kind: 'file', path })).rejects.toMatchObject({ code: 'SIEM_CONFIG_BROKEN' });
    }
  });

  it.each([
    ['{', /not JSON/],
    ['{"version":1,"destinations":[{"id":"a","kind":"fax"}]}', /destinations\.0\.kind/],
    ['{"version":1,"destinations":[{"id":"a","kind":"syslog","host":"h","colour":1}]}', /colour/],
    ['{"version":1,"destinations":[{"id":"a","kind":"http","url":"http://siem.example/"}]}', /takes https/],
    ['{"version":1,"destinations":[{"id":"a","kind":"http","url":"https://u:p@siem.example/"}]}', /into the vault/],
    [
      '{"version":1,"destinations":[{"id":"a","kind":"syslog","host":"h","certFile":"/c"}]}',
      /both certFile and keyFile/,
    ],
    [
      '{"version":1,"destinations":[{"id":"a","kind":"file","path":"/x"},{"id":"a","kind":"file","path":"/y"}]}',
      /twice/,
    ],
  ])('is refused: %s', (text, sentence) => {
    const { home } = fresh();
    const file = join(home, 'broken.json');
    writeFileSync(file, text);
    expect(() => openSiemFile(file)).toThrow(
      expect.objectContaining({ code: 'SIEM_CONFIG_BROKEN', message: expect.stringMatching(sentence) }),
    );
  });
});

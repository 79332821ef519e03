import { request } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Callback, listenForCallback } from './loopback.ts';

let callback: Callback;
let expire: () => void;
beforeEach(async () => {
  const schedule = (_: number, run: () => void) => {
    expire = run;
    return () => {};
  };
  callback = await listenForCallback((state) => state === 'ours', schedule, 1000);
});
afterEach(() => callback.close());

function ask(path: string, { method = 'GET', host = '' } = {}): Promise<{ status: number; location: string | null }> {
  const { hostname, port, host: own } = new URL(callback.redirectUri);
  const options = { hostname, port, path, method, headers: { host: host || own }, agent: false };
  return new Promise((resolve, reject) => {
    const sent = request(options, (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode ?? 0, location: answer.headers.location ?? null });
    });
    sent.on('error', reject);
    sent.end();
  });
}

it.each([
  ['another state (a page elsewhere that sends the browser here)', '/callback?code=c&state=another', {}, 400],
  ['no state', '/callback?code=c', {}, 400],
  ['another way to send it', '/callback?code=c&state=ours', { method: 'POST' }, 405],
  ['another name that leads here (DNS rebinding)', '/callback?code=c&state=ours', { host: 'evil.example' }, 403],
  ['another path', '/elsewhere?code=c&state=ours', {}, 404],
])('refuses %s, and goes on waiting', async (_, path, how, status) => {
  expect((await ask(path, how)).status).toBe(status);
  expect((await ask('/callback?code=c&state=ours')).status).toBe(200);
  expect((await callback.url).searchParams.get('code')).toBe('c');
});

it('sends the browser nowhere, whatever it is asked to', async () => {
  const to = 'https://evil.example';
  for (const path of [
    '//evil.example/callback?state=ours',
    `/callback?state=another&redirect_uri=${to}`,
    `/callback?state=ours&code=c&redirect_uri=${to}&next=${to}&RelayState=${to}`,
  ])
    expect((await ask(path)).location).toBeNull();
});

it('waits for one answer, and for so long', async () => {
  expire();
  await expect(callback.url).rejects.toMatchObject({ code: 'IDENTITY_EXPIRED' });
  await expect(ask('/callback?code=c&state=ours')).rejects.toThrow();
});

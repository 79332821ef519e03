import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LoginView } from '../../../gateway/contract/sign-in.ts';
import { startOidcProvider, type TestOidcProvider } from '../../support/oidc-provider.ts';
import { type GuardedServer, startGuardedServer } from './support/guarded-server.ts';
import { connected, overHttp, overStdio, PIN, type Stage, startStage } from './support/stage.ts';

const SECONDS = 33;

let provider: TestOidcProvider;
let guarded: GuardedServer;
let stage: Stage;

beforeAll(async () => {
  // Shorter than what the gateway takes for ended, so that each request after the first refreshes.
  provider = await startOidcProvider({ resources: { accepted: (one) => one.endsWith('/mcp'), seconds: SECONDS } });
  provider.accounts.set('ada', {});
  guarded = await startGuardedServer(provider.issuer);
  stage = await startStage();
  await stage.add({ name: 'guarded', transport: { type: 'http', url: guarded.url, oauth: {} } });
});
afterAll(async () => {
  await stage?.stop();
  await Promise.all([guarded?.stop(), provider?.stop()]);
});
afterEach(() => {
  guarded.setRefusing(false);
  for (const name of Object.keys(guarded.lies)) delete guarded.lies[name as keyof GuardedServer['lies']];
});

const begin = (name = 'guarded') => stage.control.call('signInMcpServer', { name, pin: PIN });
const state = (name: string, { id }: LoginView) => stage.control.call('mcpSignInState', { name, id });

async function signIn(name = 'guarded'): Promise<LoginView> {
  const begun = await begin(name);
  await fetch(await provider.signIn(begun.url!, 'ada'));
  await expect.poll(async () => (await state(name, begun)).state, { timeout: 20_000 }).not.toBe('waiting');
  return state(name, begun);
}

/** Everything in the gateway's home, recordings opened. */
function recordedIn(home: string): string {
  return readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return (path.endsWith('.zst') ? zstdDecompressSync(readFileSync(path)) : readFileSync(path)).toString('latin1');
    })
    .join('\n');
}

const textOf = (result: unknown) => (result as { content: { text: string }[] }).content[0]!.text;
const shim = (name = 'guarded') => {
  const { command, args } = stage.shim(name);
  return connected(overStdio(command, args));
};

describe('a server that wants OAuth', () => {
  it('is refused to agents with a sentence until a person has signed in', async () => {
    await expect(shim()).rejects.toThrow('countersign mcp login guarded');
    const { items } = await stage.control.call('mcpServers', {});
    expect(items.find(({ name }) => name === 'guarded')?.signedIn).toBe(false);
  });

  it('takes the PIN to sign in', async () => {
    await expect(stage.control.call('signInMcpServer', { name: 'guarded', pin: '000000' })).rejects.toThrow('PIN');
  });

  it('is used by an official client after a person has signed in, over the shim and over HTTP', async () => {
    const begun = await begin();
    expect(begun.sentence).toContain(new URL(provider.issuer).host);
    const asked = new URL(begun.url!).searchParams;
    expect([asked.get('resource'), asked.get('code_challenge_method'), asked.get('scope')]).toEqual([
      guarded.url,
      'S256',
      'tools offline_access',
    ]);
    expect((await signIn()).sentence).toBe('The gateway is signed in to guarded.');
    const { url, headers } = await stage.http('guarded');
    for (const client of [await shim(), await connected(overHttp(url, headers))]) {
      expect(textOf(await client.callTool({ name: 'echo', arguments: { text: 'hello' } }))).toBe('hello');
      await client.close();
    }
    const { aud } = decodeJwt(guarded.seen.at(-1)!.replace('Bearer ', ''));
    expect(aud).toBe(guarded.url);
    const { items } = await stage.control.call('mcpServers', {});
    expect(items.find(({ name }) => name === 'guarded')?.signedIn).toBe(true);
  });

  it('gets a new token when the old one ends, once for all sessions', async () => {
    await signIn();
    const clients = await Promise.all([shim(), shim(), shim()]);
    const before = guarded.seen.at(-1);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    guarded.seen.length = 0;
    await Promise.all(clients.map((client) => client.callTool({ name: 'echo', arguments: { text: 'x' } })));
    const tokens = new Set(guarded.seen);
    expect([tokens.size, tokens.has(before!)]).toEqual([1, false]);
    await Promise.all(clients.map((client) => client.close()));
  });

  it('gives neither token nor code to the agent, to recordings, logs or files outside of the vault', async () => {
    await signIn();
    const client = await shim();
    guarded.seen.length = 0;
    const said = JSON.stringify(await client.callTool({ name: 'blab', arguments: {} }));
    const token = guarded.seen.at(-1)!.replace('Bearer ', '');
    expect(token.length).toBeGreaterThan(100);
    expect(said).not.toContain(token);
    expect(said).toContain('[SECRET OF THE GATEWAY]');
    await client.close();
    // Not before the recording of that session is closed.
    await expect.poll(() => recordedIn(stage.service.home), { timeout: 20_000 }).toContain('blab');
    expect(recordedIn(stage.service.home)).not.toContain(token);
  });

  it('says what to do when the sign-in has ended', async () => {
    await signIn();
    const client = await shim();
    guarded.setRefusing(true);
    await expect(client.callTool({ name: 'echo', arguments: { text: 'x' } })).rejects.toThrow(
      /wants other credentials|countersign mcp login guarded/,
    );
    await client.close();
    await stage.control.call('signOutMcpServer', { name: 'guarded' });
    await expect(shim()).rejects.toThrow('countersign mcp login guarded');
  });

  it('is found out by its refusal too, where nobody said that it wants OAuth', async () => {
    await stage.add({ name: 'plain', transport: { type: 'http', url: guarded.url } });
    await expect(shim('plain')).rejects.toThrow('countersign mcp login');
    await signIn('plain');
    const client = await shim('plain');
    expect(textOf(await client.callTool({ name: 'echo', arguments: { text: 'hello' } }))).toBe('hello');
    await client.close();
  });

  it('takes a client that was registered before', async () => {
    const oauth = { clientId: provider.clientId, scopes: ['tools'], issuer: provider.issuer };
    await stage.add({ name: 'known', transport: { type: 'http', url: guarded.url, oauth } });
    expect((await signIn('known')).state).toBe('done');
  });

  it('loses its tokens when it leads elsewhere', async () => {
    await signIn();
    await stage.add({ name: 'guarded', transport: { type: 'http', url: `${guarded.url}?x=1`, oauth: {} } });
    await expect(shim()).rejects.toThrow('countersign mcp login guarded');
    await stage.add({ name: 'guarded', transport: { type: 'http', url: guarded.url, oauth: {} } });
  });
});

describe('a sign-in is refused', () => {
  it.each([
    ['metadata on another origin', { metadataAt: 'http://127.0.0.1:1/metadata' }, 'metadata is elsewhere'],
    ['metadata of another resource', { resource: 'http://127.0.0.1:1/mcp' }, 'which is not the server'],
    ['metadata of a part of it', { resource: 'X/mcp/admin' }, 'which is not the server'],
    ['a server of plain http', { issuer: 'http://id.example' }, 'not an https URL'],
    ['the address of a cloud’s credentials', { issuer: 'https://169.254.169.254' }, 'nearer to this machine'],
  ])('for %s', async (_, lies, why) => {
    Object.assign(guarded.lies, JSON.parse(JSON.stringify(lies).replace('X', new URL(guarded.url).origin)));
    await expect(begin()).rejects.toThrow(why);
  });

  it('for another server than the one that a person has named', async () => {
    const oauth = { issuer: 'https://id.example' };
    await stage.add({ name: 'pinned', transport: { type: 'http', url: guarded.url, oauth } });
    await expect(begin('pinned')).rejects.toThrow('does not take sign-ins of https://id.example');
  });

  it('for an answer of another issuer (mix-up), or with another state, and the code is not used', async () => {
    const begun = await begin();
    const back = new URL(await provider.signIn(begun.url!, 'ada'));
    const forged = new URL(back);
    forged.searchParams.set('state', 'forged');
    expect((await fetch(forged)).status).toBe(400);
    back.searchParams.set('iss', 'https://evil.example');
    await fetch(back);
    await expect.poll(async () => (await state('guarded', begun)).state, { timeout: 20_000 }).toBe('failed');
    expect((await state('guarded', begun)).sentence).toContain('did not let the gateway in');
  });

  it('for an issuer whose metadata speaks of another', async () => {
    const liar = await startGuardedServer(provider.issuer);
    // Its own path has no metadata, so it cannot speak for the provider.
    Object.assign(guarded.lies, { issuer: new URL(liar.url).origin });
    await expect(begin()).rejects.toThrow('no authorization server metadata');
    await liar.stop();
  });
});

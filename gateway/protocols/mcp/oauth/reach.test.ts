import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { nearnessOf, reachFrom } from './reach.ts';

describe('addresses', () => {
  it.each([
    ['93.184.216.34', 'public'],
    ['2606:4700::1', 'public'],
    ['10.1.2.3', 'private'],
    ['172.31.0.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd00::1', 'private'],
    ['127.0.0.1', 'loopback'],
    ['127.1.2.3', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:a00:1', 'private'],
    ['169.254.169.254', null],
    ['::ffff:169.254.169.254', null],
    ['fe80::1', null],
    ['0.0.0.0', null],
    ['::', null],
    ['224.0.0.1', null],
    ['64:ff9b::a9fe:a9fe', null],
    ['no address', null],
  ])('%s is %s', (address, nearness) => {
    expect(nearnessOf(address)).toBe(nearness);
  });
});

describe('what a server leads to', () => {
  const names: Record<string, string> = {
    'mcp.example': '93.184.216.34',
    'intranet.example': '10.0.0.5',
    'inside.example': '10.0.0.9',
    'rebound.example': '127.0.0.1',
  };
  const resolve = async (hostname: string) => [{ address: names[hostname] ?? '127.0.0.1', family: 4 }];
  const from = (server: string, named: string[] = []) => reachFrom(new URL(server), new Set(named), resolve);

  it.each([
    ['https://mcp.example/', 'https://127.0.0.1/'],
    ['https://mcp.example/', 'https://[::1]/'],
    ['https://mcp.example/', 'https://[::ffff:10.0.0.1]/'],
    ['https://mcp.example/', 'https://2130706433/'],
    ['https://mcp.example/', 'https://inside.example/'],
    ['https://mcp.example/', 'https://rebound.example/'],
    ['https://mcp.example/', 'http://localhost/'],
    ['https://intranet.example/', 'https://rebound.example/'],
    ['https://intranet.example/', 'https://169.254.169.254/'],
    ['http://127.0.0.1/', 'https://169.254.169.254/'],
  ])('from %s is not asked when it is %s', async (server, url) => {
    const ask = await from(server);
    await expect(ask(url)).rejects.toMatchObject({ code: 'MCP_OAUTH_REFUSED' });
  });

  it('is never asked in the clear', async () => {
    const ask = await from('http://127.0.0.1/', ['http://mcp.example']);
    await expect(ask('http://mcp.example/')).rejects.toThrow('not reached by https');
    await expect(ask('file:///etc/passwd')).rejects.toThrow('not reached by https');
  });

  it('is asked where it is as near as the server, or a person has named it; redirects lead nowhere', async () => {
    const http = createServer((request, response) =>
      request.url === '/away' ? response.writeHead(302, { location: '/' }).end() : response.end('here'),
    );
    await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
    const { port } = http.address() as AddressInfo;
    const near = await from('http://127.0.0.1/');
    expect(await (await near(`http://localhost:${port}/`)).text()).toBe('here');
    expect((await near(`http://127.0.0.1:${port}/away`)).status).toBe(302);
    const far = await from('https://mcp.example/', [`http://127.0.0.1:${port}`]);
    expect(await (await far(`http://127.0.0.1:${port}/`)).text()).toBe('here');
    http.close();
  });
});

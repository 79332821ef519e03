import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionBusPath } from './address.ts';

const uid = process.getuid?.() ?? 0;
const at = (DBUS_SESSION_BUS_ADDRESS: string, user = uid) => sessionBusPath({ DBUS_SESSION_BUS_ADDRESS }, user);
const none = (words: string) =>
  expect.objectContaining({ code: 'NO_SESSION_BUS', message: expect.stringContaining(words) });

let folder: string;
let socket: string;
let server: Server;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cs bus-'));
  socket = join(folder, 'bus');
  server = createServer();
  await new Promise<void>((done) => server.listen(socket, done));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the session bus', () => {
  it('is where the environment says, the first unix socket of it', () => {
    const escaped = socket.replaceAll(' ', '%20');
    expect(at(`unix:path=${escaped}`)).toBe(socket);
    expect(at(`tcp:host=example.org,port=1;unix:guid=00,path=${escaped},x=y;unix:path=/other`)).toBe(socket);
    expect(at('unix:abstract=/tmp/dbus-x,guid=00')).toBe('\0/tmp/dbus-x');
  });

  it('is not there, not a socket of this machine, or of another user', () => {
    expect(() => at(`unix:path=${folder}/none`)).toThrow(none('is not where its address says'));
    for (const address of ['tcp:host=localhost,port=1', 'unixexec:path=/bin/sh', 'unix:', 'unix:path=%zz', 'x']) {
      expect(() => at(address)).toThrow(none('not a unix socket'));
    }
    expect(() => at(`unix:path=${socket.replaceAll(' ', '%20')}`, uid + 1)).toThrow(none('of another user'));
    expect(() => sessionBusPath({}, 4_000_000_000)).toThrow(none('there is no session bus here'));
  });
});

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectionInput } from '../contract/connection.ts';
import { createConnections } from './connections.ts';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cs-config-'));
  file = join(dir, 'config', 'connections.json');
});
afterEach(() => rmSync(dir, { recursive: true }));

const demo: ConnectionInput = { id: 'demo', kind: 'postgres', host: 'localhost', user: 'app', database: 'shop' };
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('the registry of connections', () => {
  it('starts empty, fills in defaults, and is there again after a restart', () => {
    const registry = createConnections({ file });
    expect(registry.list()).toEqual([]);
    expect(existsSync(file)).toBe(false);
    const put = registry.put(demo);
    expect(put).toMatchObject({ port: 5432, mode: 'enforce', tls: { mode: 'verify-full' } });
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(dir, 'config'))).toEqual(['connections.json']);
    const again = createConnections({ file });
    expect(again.get('demo')).toEqual(put);
    expect(again.remove('demo')).toBe(true);
    expect(again.remove('demo')).toBe(false);
    expect(createConnections({ file }).list()).toEqual([]);
  });

  it('tells who listens', () => {
    const registry = createConnections({ file });
    const seen: Array<[string, string | null]> = [];
    const stop = registry.onChanged((id, connection) => seen.push([id, connection?.host ?? null]));
    registry.put(demo);
    registry.put({ ...demo, host: 'other' });
    registry.remove('demo');
    stop();
    registry.put(demo);
    expect(seen).toEqual([
      ['demo', 'localhost'],
      ['demo', 'other'],
      ['demo', null],
    ]);
  });

  it('refuses a connection that is not valid and keeps the old one', () => {
    const registry = createConnections({ file });
    registry.put(demo);
    const before = readFileSync(file, 'utf8');
    expect(() => registry.put({ ...demo, port: 70_000 })).toThrow(code('CONFIG_BROKEN'));
    expect(() => registry.put({ ...demo, id: '../up' })).toThrow(code('CONFIG_BROKEN'));
    expect(registry.get('demo')?.port).toBe(5432);
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it.each([
    ['not JSON', '{"version": 1,'],
    ['another version', '{"version": 2, "connections": []}'],
    ['an unknown field', '{"version": 1, "connections": [], "extra": 1}'],
    ['a wrong connection', '{"version": 1, "connections": [{"id": "demo", "kind": "oracle"}]}'],
    ['the same twice', JSON.stringify({ version: 1, connections: [demo, demo] })],
  ])('says where a file is broken and leaves it as it is: %s', (_, text) => {
    createConnections({ file }).put(demo);
    writeFileSync(file, text);
    expect(() => createConnections({ file })).toThrow(code('CONFIG_BROKEN'));
    expect(() => createConnections({ file })).toThrow(file);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('does not write over what somebody else wrote meanwhile', () => {
    const registry = createConnections({ file });
    registry.put(demo);
    const edited = readFileSync(file, 'utf8').replace('localhost', 'edited');
    writeFileSync(file, edited);
    expect(() => registry.put({ ...demo, id: 'second' })).toThrow(code('CONFIG_CHANGED'));
    expect(() => registry.remove('demo')).toThrow(code('CONFIG_CHANGED'));
    expect(readFileSync(file, 'utf8')).toBe(edited);
    // What was not accepted by a person has no effect either.
    expect(registry.get('demo')?.host).toBe('localhost');
    expect(registry.get('second')).toBeNull();
  });
});

import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createUndoStore, type KeptAction } from './undo-store.ts';

let dir: string;
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'cs-undo-')), 'undo');
});
afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }));

const open = () => createUndoStore({ dir, clock: { now: () => Date.now() }, randomBytes });
const action = (content: string): KeptAction => ({
  at: '2026-01-05T10:00:00.000Z',
  text: 'rm a',
  kept: {
    files: [{ path: '/shop/a', kind: 'file', mode: 0o600, sha256: null, content, git: null }],
    pushes: [],
    undo: { can: 'all', sentence: 'kept' },
  },
  left: {},
});

test('what is kept comes back after a restart, and how it was left with it', () => {
  open().keep('S1', 3, action('c2VjcmV0'));
  const again = open();
  again.left('S1', 3, { '/shop/a': { state: 'missing', sha256: null } });
  expect(again.get('S1', 3)).toEqual({
    ...action('c2VjcmV0'),
    left: { '/shop/a': { state: 'missing', sha256: null } },
  });
  expect(again.has('S1', 4)).toBe(false);
  expect(() => again.get('S1', 4)).toThrow('Nothing was kept');
});

test('it lies encrypted, for its owner alone, and a file does not pass for another', () => {
  const store = open();
  store.keep('S1', 3, action('c2VjcmV0'.repeat(50)));
  for (const name of readdirSync(dir)) {
    expect(statSync(join(dir, name)).mode & 0o077).toBe(0);
    expect(readFileSync(join(dir, name), 'latin1')).not.toContain('shop');
  }
  renameSync(join(dir, 'S1.3.undo'), join(dir, 'S1.4.undo'));
  expect(() => store.get('S1', 4)).toThrow('cannot be read');
});

test('a name that leads elsewhere is nobody’s', () => {
  expect(() => open().get('../../etc/passwd', 0)).toThrow('Nothing was kept');
});

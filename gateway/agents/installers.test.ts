import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AGENTS, isGating } from '../bin/hook-answers.mjs';
import { AGENT_NAMES } from '../contract/hooks.ts';
import { installHooks, uninstallHooks } from './install/install.ts';
import { listHooks, parseSettings } from './install/merge.ts';
import type { Level } from './installer.ts';
import { installers } from './installers.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cs-installers-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const where = () => ({ home: join(root, 'dev'), project: join(root, 'project'), platform: process.platform });
const LEVELS: Level[] = ['user', 'project'];

test('the hook’s client knows every agent', () => {
  expect([...AGENTS].sort()).toEqual([...AGENT_NAMES].sort());
});

describe.each(AGENT_NAMES)('%s', (name) => {
  const installer = installers[name];

  test.each(LEVELS)('is installed for a %s and taken out without a trace', (level) => {
    const file = installer.file(level, where())!;
    expect(file.startsWith(root)).toBe(true);
    const table = installer.hooks('/gateway/home');
    expect(installHooks(file, table)).toMatchObject({ done: 'made', backup: null });
    expect(installHooks(file, table)).toMatchObject({ done: 'unchanged' });
    // Another home is another command: it replaces the one that is there.
    expect(installHooks(file, installer.hooks(null))).toMatchObject({ done: 'changed' });
    const listed = listHooks(parseSettings(readFileSync(file, 'utf8'), file), table, file);
    expect(listed.every(({ own }) => own)).toBe(true);
    expect(listed).toHaveLength(Object.keys(table.entries).length);
    expect(uninstallHooks(file, table)).toMatchObject({ done: 'removed' });
    expect(existsSync(file)).toBe(false);
    expect(existsSync(`${file}.before-countersign`)).toBe(false);
  });

  test('keeps the settings that are there', () => {
    const file = installer.file('user', where())!;
    const before = { model: 'x', hooks: { [Object.keys(installer.hooks(null).entries)[0]!]: [] } };
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(before));
    installHooks(file, installer.hooks(null));
    expect(uninstallHooks(file, installer.hooks(null)).done).toBe('changed');
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ model: 'x' });
  });

  test('has a time limit that its hook knows, and asks at an event at least', () => {
    const { entries } = installer.hooks(null);
    const events = Object.keys(entries);
    const asking = events.filter((event) => isGating(name, event, {}));
    expect(asking.length).toBeGreaterThan(0);
    for (const event of asking) {
      const text = JSON.stringify(entries[event]);
      const told = Number(/--timeout (\d+)/.exec(text)?.[1]);
      const { timeout, timeoutSec } = entries[event] as { timeout?: number; timeoutSec?: number };
      const limit = timeoutSec ?? (timeout === undefined ? told : timeout >= 10_000 ? timeout / 1000 : timeout);
      expect(told).toBe(limit);
    }
  });
});

test('Gemini CLI’s own settings among the hooks stay', () => {
  const file = join(root, 'settings.json');
  const before = {
    hooks: { enabled: true, disabled: ['x'], BeforeTool: [{ matcher: 'a', hooks: [{ command: 'b' }] }] },
  };
  writeFileSync(file, JSON.stringify(before));
  installHooks(file, installers['gemini-cli'].hooks(null));
  uninstallHooks(file, installers['gemini-cli'].hooks(null));
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(before);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cursorInstaller } from '../cursor/hooks.ts';
import { hookCommand, isOwnCommand } from './command.ts';
import { listHooks, parseSettings, withHooks, withoutHooks } from './merge.ts';

const table = cursorInstaller.hooks(null);
const grouped = { ...table, shape: 'grouped' as const, top: {} };
const FILE = 'hooks.json';

test('other tools’ hooks stay as they are, in their order, before ours', () => {
  const others = [{ command: './lint.sh' }, { command: 'audit', matcher: 'Shell', extra: [1] }];
  const merged = withHooks({ version: 1, note: 'x', hooks: { preToolUse: others, custom: [] } }, table, FILE);
  expect(merged).toMatchObject({ version: 1, note: 'x' });
  const hooks = merged.hooks as Record<string, unknown[]>;
  expect(hooks.preToolUse).toEqual([...others, table.entries.preToolUse]);
  expect(hooks.custom).toEqual([]);
  expect(hooks.stop).toEqual([table.entries.stop]);
});

test('installed twice is installed once, and an older one is replaced where it stands', () => {
  const old = { command: '/old/node /old/countersign.mjs hook cursor', timeout: 5 };
  const settings = { hooks: { preToolUse: [{ command: 'a' }, old, { command: 'b' }, old] } };
  const once = withHooks(settings, table, FILE);
  expect((once.hooks as Record<string, unknown[]>).preToolUse).toEqual([
    { command: 'a' },
    table.entries.preToolUse,
    { command: 'b' },
  ]);
  expect(withHooks(once, table, FILE)).toEqual(once);
});

test('in groups ours has one of its own, and others keep theirs', () => {
  const settings = {
    hooks: { preToolUse: [{ matcher: 'Bash', hooks: [{ type: 'command', command: 'guard' }] }] },
    model: 'x',
  };
  const merged = withHooks(settings, grouped, FILE);
  expect((merged.hooks as Record<string, unknown[]>).preToolUse).toEqual([
    settings.hooks.preToolUse[0],
    { hooks: [table.entries.preToolUse] },
  ]);
  expect(withoutHooks(merged, grouped, FILE)).toEqual(settings);
});

test('taken out again the settings are what they were; what held nothing else goes', () => {
  expect(withoutHooks(withHooks({}, table, FILE), table, FILE)).toBeNull();
  const entry = fc
    .record({ command: fc.string(), timeout: fc.nat() })
    .filter(({ command }) => !isOwnCommand(command, 'cursor'));
  const lists = fc.dictionary(fc.constantFrom('preToolUse', 'stop', 'other'), fc.array(entry, { maxLength: 3 }));
  fc.assert(
    fc.property(lists, fc.dictionary(fc.constantFrom('a', 'b'), fc.jsonValue(), { minKeys: 1 }), (hooks, rest) => {
      const settings = { version: 1, ...rest, hooks };
      const installed = withHooks(settings, table, FILE);
      expect(listHooks(installed, table, FILE).filter(({ own }) => own)).toHaveLength(
        Object.keys(table.entries).length,
      );
      // An empty list is the same as none, and so is an object of none.
      const filled = Object.fromEntries(Object.entries(hooks).filter(([, list]) => list.length > 0));
      const left = withoutHooks(installed, table, FILE);
      expect({ hooks: {}, ...left }).toEqual({
        version: 1,
        ...rest,
        hooks: left?.hooks === undefined ? {} : expect.objectContaining(filled),
      });
      expect(left?.hooks ?? {}).toMatchObject(filled);
    }),
  );
});

test.each([
  ['{'],
  ['[]'],
  ['{"hooks": []}'],
  ['{"hooks": {"stop": {}}}'],
  ['{"hooks": {"stop": ["x"]}}'],
  ['// a\n{}'],
])('what is broken is refused with a sentence: %s', (text) => {
  expect(() => withHooks(parseSettings(text, FILE), table, FILE)).toThrow(/hooks\.json .*try again/);
});

test('commands have absolute paths, are quoted, hold no address, and are known again', () => {
  const command = hookCommand({ agent: 'cursor', seconds: 600, home: "/home/o'neil/a b" });
  expect(command).toMatch(
    /^\/[^ ]+ \/[^ ]+countersign\.mjs hook cursor --timeout 600 --home '\/home\/o'\\''neil\/a b'$/,
  );
  expect(command).not.toContain('://');
  expect(isOwnCommand(command, 'cursor')).toBe(true);
  expect(isOwnCommand(command, 'codex')).toBe(false);
  const windows = hookCommand({ agent: 'cursor', seconds: 600, home: 'C:\\Users\\A B', platform: 'win32' });
  expect(windows).toContain('"C:\\Users\\A B"');
  for (const own of ['"C:\\x y\\countersign.mjs" hook cursor', 'countersign hook cursor'])
    expect(isOwnCommand(own, 'cursor')).toBe(true);
});

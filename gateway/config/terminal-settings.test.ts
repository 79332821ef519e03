import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readTerminalSettings } from './terminal-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'terminal-settings-'));
const file = join(folder, 'terminal.json');
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string | null) {
  rmSync(file, { force: true });
  if (text !== null) writeFileSync(file, text);
  const problems: string[] = [];
  return { ...readTerminalSettings(file, (sentence) => problems.push(sentence)), problems: problems.length };
}

test('what a team says of the environment counts, and without a word it is kept', () => {
  expect(read(null)).toEqual({ environment: 'keep', problems: 0 });
  expect(read('{}')).toEqual({ environment: 'keep', problems: 0 });
  expect(read('{"environment": "clean"}')).toEqual({ environment: 'clean', problems: 0 });
});

test.each(['', 'x', '[]', '{"environment": "none"}', '{"environement": "keep"}'])(
  '%j is the stricter, and said',
  (text) => {
    expect(read(text)).toEqual({ environment: 'clean', problems: 1 });
  },
);

import { expect, test } from 'vitest';
import { parseExec, UsageError } from './arguments.ts';

const BASH = '/bin/bash';

test('what follows -- is the program, and is told as it would be typed', () => {
  const parsed = parseExec(
    ['exec', '--connection', 'demo', '--connection=other', '--env', 'clean', '--', 'psql', '-c', "it's"],
    BASH,
  );
  expect(parsed).toMatchObject({
    kind: 'exec',
    connections: ['demo', 'other'],
    environment: 'clean',
    argv: ['psql', '-c', "it's"],
    text: "psql -c 'it'\\''s'",
  });
});

test('the first word that is no option is the program, and the rest is its own', () => {
  expect(parseExec(['exec', '-n', 'ls', '--env', 'x'], BASH)).toMatchObject({
    noInput: true,
    environment: 'policy',
    argv: ['ls', '--env', 'x'],
  });
});

test('a command is for the shell, where that reads what was decided on', () => {
  const command = (shell: string | undefined) => parseExec(['exec', '--approved', 't', '-c', 'a | b'], shell);
  expect(command(BASH)).toMatchObject({ approved: 't', argv: [BASH, '-c', 'a | b'], text: 'a | b' });
  expect(command('/usr/bin/fish').argv[0]).toBe('/bin/sh');
  expect(command(undefined).argv[0]).toBe('/bin/sh');
});

test('a shell is the person’s own', () => {
  expect(parseExec(['shell'], '/usr/bin/fish')).toMatchObject({ kind: 'shell', argv: ['/usr/bin/fish'] });
});

test.each([
  [['exec']],
  [['exec', '--']],
  [['exec', '-c']],
  [['exec', '-c', 'a', 'b']],
  [['exec', '--env', 'other', 'a']],
  [['exec', '--what', 'a']],
  [['exec', '--help']],
  [['shell', 'a']],
  [['shell', '-c', 'a']],
  [['exec', ...Array.from({ length: 17 }, () => '--connection=x'), 'a']],
])('%j is told how it is used', (args) => {
  expect(() => parseExec(args, BASH)).toThrow(UsageError);
  expect(() => parseExec(args, BASH)).toThrow(/Usage: countersign/);
});

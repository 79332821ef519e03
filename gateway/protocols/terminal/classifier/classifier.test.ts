import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COMMAND_CLASSES, type CommandEffects } from './effects.ts';
import { createCommandClassifier } from './index.ts';

interface Entry {
  command: string;
  class: CommandEffects['class'];
  evasive?: boolean;
  flags?: string[];
  removes?: string[];
  writes?: string[];
  hosts?: string[];
}

const corpus = readFileSync(new URL('corpus.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Entry);
const classifier = await createCommandClassifier();
const PLACE = { cwd: '/home/dev/repo', home: '/home/dev' };
const classify = (text: string, scripts: Record<string, string> = {}) =>
  classifier.classifyCommand(text, { ...PLACE, readScript: (path) => scripts[path] ?? null });
const rank = (effects: CommandEffects) => COMMAND_CLASSES.indexOf(effects.class);
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

describe('the corpus', () => {
  test('is large and half of it evasive', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(400);
    expect(corpus.filter(({ evasive }) => evasive).length * 2).toBeGreaterThanOrEqual(corpus.length);
  });

  test.each(corpus)('$class: $command', ({ command, class: expected, flags = [], removes, writes, hosts }) => {
    const effects = classify(command);
    expect(effects.class).toBe(expected);
    expect(effects.flags).toEqual(expect.arrayContaining(flags));
    if (removes) expect(effects.removes).toEqual(removes);
    if (writes) expect(effects.writes).toEqual(writes);
    if (hosts) expect(effects.hosts).toEqual(hosts);
    if (effects.class === 'unknown') expect(effects.unknown).not.toEqual([]);
  });
});

describe('wrapping makes nothing look more harmless', () => {
  const wrappers: Record<string, (text: string) => string> = {
    "bash -c '…'": (text) => `bash -c ${quoted(text)}`,
    "sh -c 'bash -c …'": (text) => `sh -c ${quoted(`bash -c ${quoted(text)}`)}`,
    "eval '…'": (text) => `eval ${quoted(text)}`,
    '( … )': (text) => `( ${text}\n)`,
    '{ …; }': (text) => `{ ${text}\n}`,
    'true && …': (text) => `true && ${text}`,
    'ls; …': (text) => `ls; ${text}`,
    'sudo …': (text) => `sudo ${text}`,
    'nohup …': (text) => `nohup ${text}`,
    "echo '…' | sh": (text) => `echo ${quoted(text)} | sh`,
  };
  test.each(Object.keys(wrappers))('%s', (name) => {
    for (const { command } of corpus) {
      const wrapped = classify(wrappers[name]!(command));
      expect(rank(wrapped), command).toBeGreaterThanOrEqual(rank(classify(command)));
    }
  });

  test('any number of them, in any order', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...corpus.map(({ command }) => command)),
        fc.array(fc.constantFrom(...Object.keys(wrappers)), { maxLength: 4 }),
        (command, names) => {
          const wrapped = names.reduce((text, name) => wrappers[name]!(text), command);
          expect(rank(classify(wrapped))).toBeGreaterThanOrEqual(rank(classify(command)));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('scripts', () => {
  test('a script whose content is given is followed, and belongs to the command', () => {
    const effects = classify('bash deploy.sh prod', { '/home/dev/repo/deploy.sh': 'rm -rf "/srv/$1"' });
    expect(effects).toMatchObject({ scripts: ['/home/dev/repo/deploy.sh'], removes: ['/srv/prod'], class: 'execute' });
    expect(effects.flags).toContain('destructive');
  });

  test('a program named by its path is a script too, and what it is written in counts', () => {
    expect(classify('./a', { '/home/dev/repo/a': '#!/bin/sh\nls' }).class).toBe('execute');
    expect(classify('./a', { '/home/dev/repo/a': '#!/usr/bin/env python3\nimport os' }).class).toBe('unknown');
  });

  test('a script that runs itself ends', () => {
    expect(classify('sh a.sh', { '/home/dev/repo/a.sh': 'sh a.sh' }).flags).toContain('too-deep');
  });
});

describe('bounds', () => {
  const chain = Array.from({ length: 20 }, (_, i) => `f${i + 1}(){ f${i}; f${i}; }`).join('\n');
  test.each([
    ['a megabyte', 'a'.repeat(1 << 20)],
    ['nested subshells', `${'('.repeat(3000)}ls${')'.repeat(3000)}`],
    ['nested substitutions', `${'echo $('.repeat(500)}ls${')'.repeat(500)}`],
    ['functions that call each other twice', `f0(){ ls; }\n${chain}\nf20`],
    ['a variable that doubles', `x=aaaaaaaa\n${'x=$x$x\n'.repeat(60)}$x`],
    ['loops in loops', `${'for i in {1..16}; do '.repeat(6)}ls${'; done'.repeat(6)}`],
    ['braces in braces', `rm ${'{a,b}'.repeat(40)}`],
    ['open braces', `$(echo ls) ${'{'.repeat(20_000)}`],
    ['many operands', `$x ${'{1..100} '.repeat(3000)}`],
  ])('%s are unknown', (_, text) => {
    expect(classify(text).class).toBe('unknown');
  });

  test('nothing makes it throw, and everything it lists is bounded', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...[
          'rm',
          '-rf',
          '/',
          ';',
          '&&',
          '|',
          '(',
          ')',
          '$(',
          '`',
          "'",
          '"',
          '{',
          '}',
          '<<E',
          '\n',
          'E',
          '$x',
          'x=',
          '>',
          '<(',
        ],
        ...[
          'if',
          'then',
          'fi',
          'for',
          'in',
          'do',
          'done',
          'case',
          'esac',
          'eval',
          'bash -c',
          'xargs',
          'sudo',
          '\\',
          '*',
          '~',
          ' ',
        ],
      ),
      fc.string({ unit: 'binary', maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.constantFrom('', ' '), (pieces, between) => {
        const effects = classify(pieces.join(between));
        expect(COMMAND_CLASSES).toContain(effects.class);
        for (const list of [effects.reads, effects.writes, effects.removes, effects.words])
          expect(list.length).toBeLessThanOrEqual(1000);
      }),
      { numRuns: 1500 },
    );
  });
});

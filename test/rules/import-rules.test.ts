import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importsOf, impurities, read, sources, violationsOf } from './import-rules.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('the sources keep to the dependency rules', () => {
  const files = sources(root);

  it('finds the sources at all', () => {
    expect(files).toContain('gateway/contract/api.ts');
    expect(files).toContain('gateway/pipeline/ports.ts');
  });

  it('imports nothing it must not', () => {
    expect(files.flatMap((file) => violationsOf(file, read(root, file)))).toEqual([]);
  });

  it('reaches for no time, randomness or I/O in pure folders', () => {
    expect(files.flatMap((file) => impurities(file, read(root, file)))).toEqual([]);
  });
});

describe('a planted violation is caught', () => {
  it.each([
    ['gateway/contract/x.ts', "import { readFileSync } from 'node:fs';"],
    ['gateway/contract/x.ts', "import '../pipeline/pipeline.ts';"],
    ['gateway/contract/x.ts', "export * from 'hono';"],
    ['gateway/contract/x.ts', "export { x } from '../store/x.ts';"],
    ['gateway/contract/x.ts', "import type { Server } from 'node:net';"],
    ['gateway/contract/x.ts', 'const name = "node:fs"; await import(name);'],
    ['gateway/protocols/postgres/codec/x.ts', "import { createHash } from 'node:crypto';"],
    ['gateway/protocols/postgres/codec/x.ts', "import '../wire/session.ts';"],
    ['gateway/protocols/postgres/classifier/x.ts', "import '../wire/session.ts';"],
    ['gateway/protocols/postgres/classifier/x.ts', "import { connect } from 'node:net';"],
    ['gateway/policy/decisions/x.ts', "await import('node:fs');"],
    ['gateway/recording/format/x.ts', "import { zstdDecompressSync } from 'node:zlib';"],
    ['gateway/recording/format/x.ts', "import '../writer.ts';"],
    ['gateway/index.ts', "import { app } from 'electron';"],
    ['gateway/index.ts', "import type { X } from 'electron/main';"],
    ['gateway/control/x.ts', "const main = await import('../../main/index.ts');"],
    ['gateway/control/x.ts', "import '../../renderer/src/main.tsx';"],
    ['gateway/control/x.ts', "import '../../test/components.ts';"],
    ['renderer/src/x.tsx', "import { Store } from '../../gateway/store/store.ts';"],
    ['renderer/src/x.tsx', "import '../../gateway/recording/writer.ts';"],
    ['renderer/src/x.tsx', "import 'node:fs';"],
    ['main/index.ts', "import '../gateway/recording/format/frame.ts';"],
    ['main/index.ts', "import '../gateway/notify/daemon.ts';"],
    ['gateway/notify/text/x.ts', "import '../daemon.ts';"],
    ['gateway/protocols/mysql/x.ts', "import '../postgres/codec/reader.ts';"],
    ['gateway/protocols/http/x.ts', "import '../kubernetes/codec/x.ts';"],
  ])('%s: %s', (file, text) => {
    expect(violationsOf(file, text)).not.toEqual([]);
  });

  it.each([
    'const at = Date.now();',
    'const at = new Date();',
    'const n = Math.random();',
    'const b = Buffer.alloc(1);',
    'const e = process.env.HOME;',
    "const r = fetch('http://x');",
    'setTimeout(() => {}, 1);',
  ])('in a pure folder: %s', (text) => {
    expect(impurities('gateway/recording/format/x.ts', text)).toHaveLength(1);
    expect(impurities('gateway/recording/writer.ts', text)).toEqual([]);
  });
});

describe('what is allowed stays allowed', () => {
  it.each([
    ['gateway/contract/x.ts', "import { z } from 'zod'; import './y.ts';"],
    ['gateway/protocols/postgres/classifier/x.ts', "import type { Classifier } from '../ports.ts';"],
    ['gateway/protocols/kubernetes/x.ts', "import '../http/codec/x.ts';"],
    ['gateway/protocols/git/x.ts', "import '../ssh/codec/x.ts';"],
    ['renderer/src/x.tsx', "import '../../gateway/contract/api.ts'; import React from 'react';"],
    ['renderer/src/x.tsx', "import '../../gateway/recording/format/frame.ts';"],
    ['gateway/store/x.ts', "import { readFileSync } from 'node:fs'; import '../contract/api.ts';"],
    ['main/index.ts', "import '../gateway/notify/text/notification.ts';"],
    ['gateway/contract/x.test.ts', "import { readFileSync } from 'node:fs';"],
  ])('%s: %s', (file, text) => {
    expect(violationsOf(file, text)).toEqual([]);
  });

  it('lets comments speak of what code must not do', () => {
    expect(impurities('gateway/recording/format/x.ts', '// never Date.now()\nexport const x = 1;')).toEqual([]);
  });
});

it('sees static, dynamic, type-only and re-exporting imports', () => {
  const text = `import a from 'a'; import type { B } from 'b'; export { c } from 'c'; export * from 'd';
    const e = await import('e'); const f = await import(name);`;
  expect(importsOf('x.ts', text).sort()).toEqual(['<computed>', 'a', 'b', 'c', 'd', 'e']);
});

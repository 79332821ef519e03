// `npm run desktop`: the desktop app from the checkout, where Electron's runtime is there.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bundleApp, ROOT } from './bundle.ts';

const app = join(ROOT, 'dist', 'app');
const home = dirname(createRequire(import.meta.url).resolve('electron/package.json'));
const names = { win32: 'electron.exe', darwin: 'Electron.app/Contents/MacOS/Electron' } as Record<string, string>;
const folder = process.env.ELECTRON_DIST || join(home, 'dist');
const program = join(folder, names[process.platform] ?? 'electron');

if (!existsSync(program)) {
  process.stderr.write(
    'countersign: there is no Electron runtime here. Name the folder of an unpacked one in ELECTRON_DIST, or use the console in the browser: npm start\n',
  );
  process.exit(1);
}
mkdirSync(app, { recursive: true });
await bundleApp(app);
const manifest = { name: 'countersign', productName: 'Countersign', type: 'module', main: 'index.js' };
writeFileSync(join(app, 'package.json'), `${JSON.stringify(manifest)}\n`);
const { ELECTRON_RUN_AS_NODE: _, ...env } = process.env;
const child = spawn(program, [app, ...process.argv.slice(2)], { stdio: 'inherit', env });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => process.exit(code ?? 1));

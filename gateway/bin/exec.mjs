// Starts with each command of an agent: what was read and compiled once is kept in the user's own cache.
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'countersign', 'compiled'));
// In the package it is one file; in a checkout it is what the file is made of.
const bundled = new URL('../bundle/exec.js', import.meta.url);
const { runExec } = existsSync(bundled) ? await import(bundled.href) : await import('../cli/exec/run.ts');
process.exit(await runExec(process.argv.slice(2)));

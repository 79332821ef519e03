// Starts with each command of an agent: what was read and compiled once is kept in the user's own cache.
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'countersign', 'compiled'));
const { runExec } = await import('../cli/exec/run.ts');
process.exit(await runExec(process.argv.slice(2)));

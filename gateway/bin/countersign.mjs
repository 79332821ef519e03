#!/usr/bin/env node
if (process.argv[2] === 'hook') {
  // Agents run this at each of their events, so it starts without the rest.
  const { runHook } = await import('./hook.mjs');
  const { writeSync } = await import('node:fs');
  const { stdout, stderr, code } = await runHook(process.argv.slice(3));
  if (stderr !== '') writeSync(2, stderr);
  writeSync(1, stdout);
  process.exit(code);
}
process.argv.splice(2, 0, 'gateway/index.ts');
await import('../../build/guard-node.mjs');

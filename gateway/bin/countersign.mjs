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
const MCP_COMMANDS = [
  'add',
  'list',
  'remove',
  'test',
  'accept',
  'login',
  'logout',
  'token',
  'link',
  'help',
  '--help',
  '-h',
];
if (process.argv[2] === 'mcp' && process.argv[3] !== undefined && !MCP_COMMANDS.includes(process.argv[3])) {
  // One for each server of each agent, for as long as it runs.
  const { runShim } = await import('./mcp-shim.mjs');
  await runShim(process.argv.slice(3));
} else {
  const inTerminal = process.argv[2] === 'exec' || process.argv[2] === 'shell';
  if (inTerminal && Number(process.versions.node.split('.')[0]) === 24) await import('./exec.mjs');
  process.argv.splice(2, 0, inTerminal ? 'gateway/bin/exec.mjs' : 'gateway/index.ts');
  await import('../../build/guard-node.mjs');
}

#!/usr/bin/env node
process.argv.splice(2, 0, 'gateway/index.ts');
await import('../../build/guard-node.mjs');

import { openWorkspace } from '../workspace.ts';
import { sourceOf } from './sources.ts';
import { importStore } from './store.ts';

/** An import in a process of its own, for tests that kill it: writes a dot for each object. */
const [folder = '', store = ''] = process.argv.slice(2);
const workspace = openWorkspace(folder);
const source = sourceOf(store, { read: async () => null });
if (source.kind !== 'store') throw new Error(`${store} is no store`);
await importStore(workspace, workspace.books('write'), source.open(), {
  identities: [],
  signal: new AbortController().signal,
  progress: () => process.stdout.write('.'),
});

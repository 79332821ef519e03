import { openFolderTarget } from '../../../gateway/sync/targets/folder.ts';
import { largeBody } from '../../support/store-target.ts';

/** Uploads to the folder given, and stands still in the middle until it is killed. */
const body = largeBody(4_000_000, async (at) => {
  if (at < 1_000_000) return;
  process.send?.('in the middle');
  await new Promise(() => setInterval(() => {}, 1000));
});
const folder = process.argv[2] ?? '';
await openFolderTarget({ kind: 'folder', path: folder }).create('acme/x', body, new AbortController().signal);

import { SyncEngine } from './engine.ts';
import { openFolderTarget } from './targets/folder.ts';
import { PREFIX } from './test-support.ts';

/** A gateway's half that syncs, as a process of its own, to be killed at any moment: home, recordings, store. */
const [home = '', recordingsDir = '', store = ''] = process.argv.slice(2);
const engine = new SyncEngine({
  home,
  recordingsDir,
  now: Date.now,
  random: Math.random,
  onProblem: (sentence) => process.stderr.write(`${sentence}\n`),
  tuning: {
    partEveryMs: 10,
    partBytes: 8192,
    backoff: { unreachable: { firstMs: 5, mostMs: 20 }, refused: { firstMs: 5, mostMs: 20 } },
  },
});
await engine.configure(
  { store: 'one', prefix: PREFIX, recipients: [], bandwidth: null, paused: false },
  openFolderTarget({ kind: 'folder', path: store }),
);
await engine.discover();
process.stdout.write('started\n');
const timer = setInterval(() => {
  const { queue } = engine.status();
  if (queue.objects > 0 || queue.sessions > 0) return;
  clearInterval(timer);
  void engine.close().then(() => process.stdout.write('done\n'));
}, 5);

import * as fs from 'node:fs';
import { join } from 'node:path';
import { createRecorder } from './recorder.ts';
import { sessionId, sessionInfo, statement } from './test-support.ts';

/** Writes at full speed until it is killed; after each request() the session's count goes into a file of its own. */
const [dir = '', rounds = '0', journalBytes = '1'] = process.argv.slice(2);
const recorder = createRecorder({ dir, journalBytes: Number(journalBytes) });
const sessions = [0, 1, 2].map((i) => {
  const n = Number(rounds) * 10 + i;
  return {
    recorder: recorder.open(sessionInfo(sessionId(n))),
    counter: fs.openSync(join(dir, `returned-${sessionId(n)}`), 'w'),
    words: new Float64Array(1),
  };
});
const padding = 'x'.repeat(200);
let exchange = 0;
function burst(): void {
  for (let i = 0; i < 200; i += 1, exchange += 1) {
    for (const session of sessions) {
      session.recorder.request(exchange, Buffer.from(`request ${exchange} ${padding.slice(0, exchange % 200)};`));
      session.words[0] = exchange + 1;
      fs.writeSync(session.counter, session.words, 0, 8, 0);
      session.recorder.response(exchange, Buffer.from(`response ${exchange}`));
      const own = exchange % 20 === 0;
      session.recorder.statement(exchange, statement({ own, text: own ? `UPDATE ${exchange}` : null }));
      if (own) session.recorder.event('note', { exchange });
      session.recorder.end(exchange);
    }
  }
  setImmediate(burst);
}
burst();
fs.writeSync(1, 'started\n');

import { statement } from './mapping/test-events.ts';
import { testSiem } from './test-siem.ts';

/** Tells a SIEM that is not there of a number of events, and is killed in the turn after. */
const [home = '', count = '0'] = process.argv.slice(2);
const { siem } = testSiem({ home, out: home });
for (let i = 0; i < Number(count); i += 1) siem.happened(statement({ index: i }));
setImmediate(() => setImmediate(() => process.kill(process.pid, 'SIGKILL')));

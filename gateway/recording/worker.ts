import { parentPort, workerData } from 'node:worker_threads';
import { SealingWorker } from './sealing-worker.ts';
import type { ToWorker, WorkerSettings } from './worker-messages.ts';

/** The recorder's thread: an entry of its own, so that a bundler can make it a file. */
const port = parentPort;
if (port === null) throw new Error('the recorder worker is started by the recorder');
const worker = new SealingWorker(workerData as WorkerSettings, (message, transfer) =>
  port.postMessage(message, transfer),
);
port.on('message', (message: ToWorker) => {
  worker.receive(message);
  if (message.type === 'stop') port.unref();
});

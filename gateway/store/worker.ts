import { parentPort, workerData } from 'node:worker_threads';
import * as recordings from '../recording/reader.ts';
import { StoreCore } from './core.ts';
import { serve, type WorkerSetup } from './worker-protocol.ts';

if (!parentPort) throw new Error('this file runs as a worker of store.ts');
const { file, recordingsDir, role } = workerData as WorkerSetup;
serve(parentPort, new StoreCore({ file, recordingsDir, role, source: recordings }));

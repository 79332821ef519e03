import { parentPort, workerData } from 'node:worker_threads';
import { isCountersignError } from '../../contract/errors.ts';
import { findAlerts } from './alerts-task.ts';
import { exportInto } from './export-task.ts';
import { importInto } from './import-task.ts';
import { redactOne } from './redact-task.ts';
import { makeReport } from './report-task.ts';
import type { TaskContext } from './task-context.ts';
import type { FromTask, Task, TaskResults } from './tasks.ts';
import { verifyAll } from './verify-task.ts';

const PROGRESS_MS = 150;

const port = parentPort!;
const stop = new AbortController();
port.on('message', () => stop.abort());

let last = 0;
const context: TaskContext = {
  signal: stop.signal,
  progress(progress) {
    if (Date.now() - last < PROGRESS_MS) return;
    last = Date.now();
    port.postMessage({ progress } satisfies FromTask);
  },
};

function run(task: Task): Promise<TaskResults[Task['kind']]> {
  switch (task.kind) {
    case 'import':
      return importInto(task, context);
    case 'verify':
      return verifyAll(task, context);
    case 'redact':
      return redactOne(task, context);
    case 'report':
      return makeReport(task, context);
    case 'alerts':
      return findAlerts(task, context);
    case 'export':
      return exportInto(task, context);
  }
}

try {
  port.postMessage({ result: await run(workerData as Task) } satisfies FromTask);
} catch (error) {
  if (!isCountersignError(error)) throw error;
  port.postMessage({ error: { code: error.code, message: error.message } } satisfies FromTask);
}

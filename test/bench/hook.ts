import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lookAt } from '../../gateway/bin/hook.mjs';
import type { HookOutput } from '../../gateway/contract/hooks.ts';
import { startTestService } from '../support/service.ts';

/** How long an agent waits for a hook that nobody is asked about: in the gateway, and until its process has ended. */
const RUNS = 200;
const STARTS = 25;
const PROGRAM = fileURLToPath(new URL('../../gateway/bin/countersign.mjs', import.meta.url));

const { service, stop } = await startTestService({ connections: [] });
const { socketPath } = service.control;
const home = mkdtempSync(join(tmpdir(), 'cs-bench-hook-'));

function post(path: string, body: object): Promise<HookOutput> {
  const bytes = Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath,
        path,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': bytes.length },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve(JSON.parse(text)));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(bytes);
  });
}

const event = (name: string, run: number) => ({
  hook_event_name: name,
  conversation_id: 'bench',
  tool_name: 'Shell',
  tool_input: { command: `ls -l src/${run}`, cwd: '' },
  tool_use_id: `t${run}`,
  tool_output: '',
  workspace_roots: [home],
});

async function tell(name: string, run: number): Promise<number> {
  const began = performance.now();
  let answer = await post('/api/hooks/cursor', { event: event(name, run), timeoutMs: 60_000, home });
  while ('want' in answer) {
    const { ticket, files } = answer.want;
    answer = await post('/api/hook-files', { ticket, files: await lookAt(files) });
  }
  return performance.now() - began;
}

function start(args: readonly string[], input: string): number {
  const began = performance.now();
  spawnSync(process.execPath, args, { input });
  return performance.now() - began;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!.toFixed(1);

const decisions: number[] = [];
for (let run = 0; run < RUNS; run += 1) {
  const took = await tell('preToolUse', run);
  if (run >= RUNS / 10) decisions.push(took);
  await tell('postToolUse', run);
}
const empty = join(home, 'empty.mjs');
writeFileSync(empty, '');
const starts = { empty: [] as number[], without: [] as number[] };
for (let run = 0; run < STARTS; run += 1) {
  starts.empty.push(start([empty], '{}'));
  // What only tells, with no gateway: the client by itself.
  starts.without.push(start([PROGRAM, 'hook', 'cursor', '--socket', join(home, 'none')], '{"hook_event_name":"stop"}'));
}
console.log(
  `decision without a person, with its look at files: ${median(decisions)} ms (median of ${decisions.length})`,
);
console.log(
  `an empty Node process: ${median(starts.empty)} ms; the hook's client: ${median(starts.without)} ms (medians of ${STARTS})`,
);
await stop();
rmSync(home, { recursive: true, force: true });
process.exit(0);

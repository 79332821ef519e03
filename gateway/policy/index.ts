import { readFileSync } from 'node:fs';

export { createPolicyEngine, type PolicyAdmin, type PolicyEngineOptions } from './engine.ts';
export { checkPolicy } from './explain.ts';
export { createPolicyHandlers } from './handlers.ts';
export { rememberPrompts } from './suggest/memory.ts';
export { runPolicyTable, type TableResult } from './test-table.ts';
export { createPolicyTrials } from './trials/trials.ts';

/** The policy that Countersign ships, for PolicyEngineOptions.shipped. */
export function shippedPolicy(): string {
  return readFileSync(new URL('./shipped.cedar', import.meta.url), 'utf8');
}

import type { Approval } from '../../../gateway/contract/decision.ts';
import type { ActionOperation, OperationClass } from '../../../gateway/contract/operation.ts';
import { updateApproval } from './fixtures.ts';

/** Requests of an agent for what it does itself: a command, a change of a file, a call of a tool. */
function action(
  now: number,
  id: string,
  part: Pick<ActionOperation, 'protocol' | 'tool' | 'place' | 'text'> & {
    connectionId: string;
    class: OperationClass;
    words: string[];
    reason: string;
    bindings?: ActionOperation['bindings'];
    preview?: Approval['preview'];
  },
): Approval {
  const { preview: _, ...base } = updateApproval(now, id);
  const { identity, sessionId, digest, agent } = base.operation;
  const { class: effectsClass, words, reason, bindings = [], preview, ...rest } = part;
  return {
    ...base,
    ...(preview && { preview }),
    estimatedRows: null,
    verdict: { ...base.verdict, policyIds: [`ask-${part.tool.toLowerCase()}`], reason, grantable: true },
    operation: {
      sessionId,
      identity,
      digest,
      agent: { ...agent, name: 'cursor', pid: 4100, parents: [] },
      ...rest,
      bindings,
      effects: {
        class: effectsClass,
        ops: [part.tool],
        flags: [],
        reads: [],
        writes: [],
        filtersOn: [],
        functions: [],
        words,
        fingerprint: '00aa11bb22cc33dd',
        shape: part.text.slice(0, 200),
      },
    },
  };
}

export const commandApproval = (now: number) =>
  action(now, 'a-command', {
    protocol: 'terminal',
    tool: 'Shell',
    connectionId: 'cursor',
    place: '/home/alice/shop',
    text: `DATABASE_URL="$PROD" ./scripts/backfill.sh --since '2026-01-01' | tee backfill.log && rm -rf ./tmp # tidy up`,
    class: 'execute',
    words: ['Runs ./scripts/backfill.sh', 'Removes ./tmp and everything in it'],
    reason: 'Scripts are run by a person’s leave.',
    bindings: [
      { name: 'scripts/backfill.sh', value: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08' },
    ],
    preview: {
      kind: 'command',
      state: 'done',
      parts: [
        {
          tone: 'loss',
          sentence: 'Removes 14 files and 3 folders (2.1 MB) below tmp',
          lines: ['tmp/export.csv: unknown to Git', 'tmp/cache: ignored by Git'],
          more: 2,
        },
        { tone: 'plain', sentence: 'Replaces backfill.log (12 kB)', lines: [], more: 0 },
        {
          tone: 'unknown',
          sentence: 'What ./scripts/backfill.sh does is known only when it runs',
          lines: [],
          more: 0,
        },
      ],
      undo: { can: 'part', sentence: 'Files below tmp can be put back; what the script does cannot.' },
    },
  });

export const changeApproval = (now: number) =>
  action(now, 'a-change', {
    protocol: 'agent',
    tool: 'Write',
    connectionId: 'cursor',
    place: '/home/alice/shop',
    text: `--- a/src/totals.ts
+++ b/src/totals.ts
@@ -12,7 +12,8 @@ export function total(order: Order): number {
   const lines = order.lines.filter((line) => !line.cancelled);
-  return lines.reduce((sum, line) => sum + line.price, 0);
+  const sum = lines.reduce((all, line) => all + line.price * line.count, 0);
+  return Math.round(sum * 100) / 100;
 }
 
 export function tax(order: Order): number {`,
    class: 'write',
    words: ['Changes src/totals.ts'],
    reason: 'Changes outside of tests are decided by a person.',
  });

export const callApproval = (now: number) =>
  action(now, 'a-call', {
    protocol: 'mcp',
    tool: 'create_issue',
    connectionId: 'tracker',
    place: 'tracker',
    text: JSON.stringify({ project: 'SHOP', title: 'Totals are rounded twice', labels: ['bug'] }, null, 2),
    class: 'network',
    words: ['Calls create_issue of tracker'],
    reason: 'The server does not say that this only reads.',
  });

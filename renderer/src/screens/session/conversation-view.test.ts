import { expect, test } from 'vitest';
import type { Session, Statement } from '../../../../gateway/contract/session.ts';
import { entriesOf } from './conversation-view.tsx';
import { kindOf } from './painters/agent.tsx';

const said = (index: number, second: number) =>
  ({ index, startedAt: `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z` }) as Statement;
const opened = (id: string, second: number) =>
  ({ id, openedAt: `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z` }) as Session;
const names = (statements: Statement[], sessions: Session[]) =>
  entriesOf(statements, sessions).map((entry) => (entry.kind === 'said' ? entry.statement.index : entry.session.id));

test('a session stands where it began, and what was said stays in its order', () => {
  expect(names([said(0, 1), said(1, 5), said(2, 9)], [opened('db', 6)])).toEqual([0, 1, 'db', 2]);
  expect(names([said(0, 1)], [opened('late', 59)])).toEqual([0, 'late']);
});

test('what an operation is, is read from its name and its text', () => {
  const kinds = [
    ['Prompt', 'do it'],
    ['Answer', 'done'],
    ['Thought', 'hm'],
    ['Write', '--- /dev/null\n+++ a.ts\n@@ -0,0 +1,1 @@\n+x\n'],
    ['Shell', 'ls'],
    ['Read', '/etc/hosts'],
  ].map(([op, text]) => kindOf({ op: op!, text: text! }));
  expect(kinds).toEqual(['prompt', 'answer', 'thought', 'change', 'command', 'action']);
});

import type { Operation } from '../../../gateway/contract/operation.ts';
import { strings } from '../strings.ts';
import { isUnifiedDiff } from '../text/unified-diff.ts';
import { Command } from './command.tsx';
import { Diff } from './diff.tsx';
import { Sql } from './sql.tsx';

const t = strings.approvals;

/** What would be done, as its kind is read best: a statement, a command, a change of a file, or plain text. */
export function OperationText({ operation, line = false }: { operation: Operation; line?: boolean }) {
  const { protocol, text } = operation;
  if (protocol === 'postgres') return <Sql text={text} label={t.statement} line={line} />;
  if (!line && isUnifiedDiff(text)) return <Diff text={text} label={t.change} />;
  return <Command text={text} label={protocol === 'mcp' ? t.call : t.command} line={line} />;
}

import type { Operation } from '../../../gateway/contract/operation.ts';
import { strings } from '../strings.ts';
import { diffCounts, diffLines, diffPath, isUnifiedDiff } from '../text/unified-diff.ts';
import { Command } from './command.tsx';
import { Diff } from './diff.tsx';
import { Sql } from './sql.tsx';

const t = strings.approvals;
const LINE_LOOKS_AT = 20_000;

function changeLine(text: string): string {
  const lines = diffLines(text.slice(0, LINE_LOOKS_AT));
  const { added, removed } = diffCounts(lines);
  return `${diffPath(lines) ?? ''} ${t.changeCounts(added, removed)}`;
}

/** What would be done, as its kind is read best: a statement, a command, a change of a file, or plain text. */
export function OperationText({ operation, line = false }: { operation: Operation; line?: boolean }) {
  const { protocol, text } = operation;
  if (protocol === 'postgres') return <Sql text={text} label={t.statement} line={line} />;
  if (isUnifiedDiff(text)) {
    return line ? <Command text={changeLine(text)} line plain /> : <Diff text={text} label={t.change} />;
  }
  const shell = protocol === 'terminal' || /shell|bash|command|terminal/i.test(operation.tool);
  const label = shell ? t.command : protocol === 'mcp' ? t.call : t.action;
  return <Command text={text} label={label} line={line} plain={!shell} />;
}

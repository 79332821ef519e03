import type { Statement } from '../contract/session.ts';
import type { RecordedSession } from '../recording/recorded.ts';
import { visibleLine } from './terminal/visible.ts';

/** Nothing that was recorded may end a comment's line. */
const comment = (text: string) => `-- ${visibleLine(text)}`;

export function scriptHead({ id, info, state }: RecordedSession): string[] {
  return [
    comment(`Session ${id} (${state}), opened ${info.openedAt}`),
    comment(`${info.identity.display} (${info.identity.verified ? 'verified' : 'not verified'}) by ${info.agent.name}`),
    comment(`${info.connection.id}/${info.database} as ${info.user}`),
    '-- What was denied or failed, and COPY of data that this script does not hold, is commented out.',
    '-- What was masked in results is masked here; the statements are as they were sent.',
    '',
  ];
}

/** One statement of the script; what did not run, does not run when the script does. */
export function scriptLines(statement: Statement & { copyIn: number | null }): string[] {
  const { index, startedAt, verdict, decidedBy, policyIds, text, parameters, tag, error, rows, copyIn } = statement;
  const who = decidedBy === null ? '' : ` by ${decidedBy}`;
  const policies = policyIds.length === 0 ? '' : ` (${policyIds.join(', ')})`;
  const ended = error ? `ERROR ${error.sqlstate}: ${error.message}` : `${tag ?? 'no tag'}, ${rows} rows`;
  const lines = [comment(`#${index} ${startedAt} ${verdict}${who}${policies}; ${ended}`)];
  const runs = error === null && copyIn === null && tag !== null;
  if (!runs) return [...lines, ...text.split(/\r\n?|\n/).map((line) => comment(line)), ''];
  const sql = terminated(text);
  if (parameters.length === 0) return [...lines, sql, ''];
  const values = parameters.map((value) => (value === null ? 'NULL' : literal(value))).join(', ');
  const name = `"countersign ${index}"`;
  return [...lines, `PREPARE ${name} AS`, sql, `EXECUTE ${name} (${values});`, `DEALLOCATE ${name};`, ''];
}

/** A comment at the end of the text would swallow a semicolon on its line. */
function terminated(text: string): string {
  return `${text.replace(/[\s;]+$/, '')}\n;`;
}

/** E'' whatever standard_conforming_strings says. */
function literal(value: string): string {
  return `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

import { type Command, Option } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import { StatementFilter } from '../contract/search.ts';
import type { Statement } from '../contract/session.ts';
import type { Cli } from './cli.ts';
import { countOption, timeOption } from './sessions-find.ts';
import { outcomeText, verdictText, when } from './sessions-text.ts';
import type { TerminalShape } from './terminal/style.ts';
import { visibleJson, visibleLine } from './terminal/visible.ts';
import { truncate } from './terminal/width.ts';

type Filters = Omit<StatementFilter, 'text'>;
export type SearchOptions = Filters & { limit: number; offset: number; json?: boolean };

/** The total stops here; a common word has millions. */
const MOST_COUNTED = 10_000;

/** The filters of a search, the same wherever it looks. Names may end in `*`. */
export function filterOptions(command: Command, now: () => number): Command {
  const time = timeOption(now);
  return command
    .option('--person <name>', 'whom the agent acted for')
    .option('--agent <name>', "the agent's program")
    .option('--connection <id>', 'of this connection')
    .option('--device <id>', 'recorded on this device')
    .option('--table <name>', 'that touch this table (with its schema, or in any)')
    .addOption(
      new Option('--verdict <verdict>', 'what became of them').choices(StatementFilter.shape.verdict.unwrap().options),
    )
    .option('--approver <name>', 'that this person decided')
    .option('--entity <type>', 'with masked values of this type, such as EMAIL_ADDRESS')
    .option('--since <time>', 'started at this time or later', time)
    .option('--until <time>', 'started before this time', time)
    .option('--limit <count>', 'at most so many', countOption(1), 50)
    .option('--offset <count>', 'leave out so many', countOption(), 0)
    .option('--json', 'as JSON');
}

/** Throws USAGE. */
export function filterOf(words: readonly string[], options: SearchOptions): StatementFilter {
  const text = words.join(' ').trim();
  const parsed = StatementFilter.safeParse({ ...options, ...(text === '' ? {} : { text }) });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CountersignError('USAGE', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`);
}

export function showFound(
  cli: Pick<Cli, 'out' | 'note'>,
  terminal: TerminalShape,
  found: { items: readonly Statement[]; total: number },
  { offset, json }: Pick<SearchOptions, 'offset' | 'json'>,
): void {
  if (json) {
    cli.out(visibleJson(found, 2));
    return;
  }
  if (found.total === 0)
    cli.note('No statement fits. All words have to occur; "a phrase" in quotes, a beginning as begin*.');
  for (const statement of found.items) {
    const { sessionId, index, startedAt, text } = statement;
    cli.out(
      `${visibleLine(sessionId)} #${index}  ${when(startedAt)}  ${verdictText(statement, terminal)}  ${outcomeText(statement, terminal)}`,
    );
    cli.out(`    ${truncate(visibleLine(text), (terminal.columns ?? 204) - 4)}`);
  }
  const behind = offset + found.items.length;
  if (behind < found.total)
    cli.note(
      `${behind} of ${found.total === MOST_COUNTED ? '10000 or more' : found.total}; more with --offset ${behind}`,
    );
}

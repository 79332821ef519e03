import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import type { UndoPlan } from '../contract/undo.ts';
import type { Cli } from './cli.ts';
import { askPin } from './pin.ts';
import { changedSince, restoreFile, restoreRef } from './undo/restore.ts';
import { oneLine } from './visible-text.ts';
import { wholeNumber } from './whole-number.ts';

const MAX_SHOWN = 20;

/** `countersign sessions undo`: puts back what an agent's action removed or replaced; a person does it, here. */
export function registerUndo(sessions: Command, cli: Cli): void {
  sessions
    .command('undo')
    .argument('<id>')
    .argument('<statement>', 'its number, as "sessions show" has it')
    .description('put back what an agent’s action removed or replaced; takes the PIN')
    .option('--dry-run', 'show it, and change nothing')
    .action((id: string, statement: string, options: { dryRun?: boolean }) => undo(cli, id, statement, options));
}

async function undo(cli: Cli, id: string, statement: string, { dryRun = false }: { dryRun?: boolean }): Promise<void> {
  const index = wholeNumber(statement, 'the statement', 0, Number.MAX_SAFE_INTEGER);
  const { items } = await cli.control().call('statements', { id, offset: index, limit: 1 });
  const exchange = items.find((item) => item.index === index)?.exchange;
  if (exchange === undefined)
    throw new CountersignError('STATEMENT_UNKNOWN', `there is no statement ${index} in ${id}`);
  const plan = await cli.control().call('undoPlan', { id, exchange });
  const changed = plan.files.flatMap(({ path, left }) => changedSince(path, left) ?? []);
  for (const line of planLines(plan, changed)) cli.out(line);
  if (dryRun) return;
  const question = changed.length > 0 ? 'Put it back all the same, and lose what changed since?' : 'Put it back?';
  const answer = await cli.prompt.line(`${question} (yes or no) `, cli.signal);
  if (answer.trim().toLowerCase() !== 'yes') return cli.note('Nothing was changed.');
  const pin = await askPin(cli, 'Your PIN: ');
  const { files } = await cli.control().call('undoContents', { id, exchange, pin });
  const failed: string[] = [];
  const attempt = (what: () => void) => {
    try {
      what();
    } catch (error) {
      failed.push((error as Error).message);
    }
  };
  for (const file of files) attempt(() => restoreFile(file));
  for (const push of plan.pushes) attempt(() => restoreRef(push));
  const done = files.length + plan.pushes.length - failed.length;
  cli.out(`Put back: ${done} of ${files.length + plan.pushes.length}.`);
  if (failed.length > 0)
    throw new CountersignError(
      'UNDO_PART',
      `not put back: ${failed
        .slice(0, MAX_SHOWN)
        .map((line) => oneLine(line, 200))
        .join('; ')}`,
    );
}

/** Before a person says yes: what is put back, and what that would take away. */
function planLines({ text, at, undo: { sentence }, files, pushes }: UndoPlan, changed: readonly string[]): string[] {
  const listed = [
    ...files.map(({ path, kind }) => `${kind === 'missing' ? 'remove' : 'put back'} ${path}`),
    ...pushes.map(
      ({ ref, remote, before }) =>
        `set ${ref} on ${remote} to ${before?.slice(0, 8) ?? 'nothing'}, if nobody pushed since`,
    ),
  ];
  return [
    `What was done at ${at}: ${oneLine(text, 160)}`,
    `When it was asked: ${oneLine(sentence, 300)}`,
    ...cut(listed),
    ...(changed.length === 0 ? ['Nothing has changed since.'] : ['Changed since:', ...cut(changed)]),
  ];
}

const cut = (lines: readonly string[]): string[] => [
  ...lines.slice(0, MAX_SHOWN).map((line) => `  ${oneLine(line, 200)}`),
  ...(lines.length > MAX_SHOWN ? [`  and ${lines.length - MAX_SHOWN} more`] : []),
];

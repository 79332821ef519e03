import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import { checkPolicy, runPolicyTable, shippedPolicy } from '../policy/index.ts';
import type { Cli } from './cli.ts';
import { askPin } from './pin.ts';
import { type ExplainOptions, explainCommand } from './policy-explain-command.ts';
import { oneLine, visibleText } from './visible-text.ts';

const MAX_FILE = 64 * 1024 * 1024;

function read(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'an error';
    throw new CountersignError('USAGE', `${file} cannot be read (${code}).`);
  }
  if (text.length > MAX_FILE) throw new CountersignError('USAGE', `${file} is too long.`);
  return text;
}

function check(cli: Cli, file: string | undefined): void {
  const { errors, policies } = checkPolicy(file === undefined ? shippedPolicy() : read(file));
  const name = file ?? 'the shipped policy';
  if (errors.length > 0) {
    for (const error of errors) cli.out(`${name}: ${visibleText(error)}`);
    cli.note(`${name} cannot be used: ${errors.length} ${errors.length === 1 ? 'error' : 'errors'}.`);
    cli.exitWith(1);
    return;
  }
  for (const sentence of policies) cli.out(visibleText(sentence));
  cli.note(`${name} is valid: ${policies.length} policies.`);
}

async function test(cli: Cli, file: string, policyFile: string | undefined): Promise<void> {
  const policy = policyFile === undefined ? shippedPolicy() : read(policyFile);
  const results = await runPolicyTable(policy, read(file));
  const failed = results.filter((result) => !result.ok);
  for (const { line, sql, sentence } of failed)
    cli.out(`FAIL line ${line}: ${oneLine(sql, 120)}\n     ${visibleText(sentence)}`);
  cli.out(`${results.length - failed.length} passed, ${failed.length} failed`);
  if (failed.length > 0) cli.exitWith(1);
}

async function show(cli: Cli, options: { text?: boolean }): Promise<void> {
  const view = await cli.control().call('policy', {});
  if (options.text) {
    cli.out(visibleText(view.text));
    return;
  }
  cli.out(`In force: ${view.hash}`);
  for (const sentence of checkPolicy(view.text).policies) cli.out(`  ${visibleText(sentence)}`);
  if (view.staged === null) {
    cli.out('Staged: nothing');
    return;
  }
  tellStaged(cli, view.staged);
}

interface Staged {
  hash: string;
  diff: string;
  errors: readonly string[];
  stagedAt: string;
}

function tellStaged(cli: Cli, staged: Staged): void {
  cli.out(`Staged: ${staged.hash} at ${staged.stagedAt}`);
  cli.out(staged.diff === '' ? '  (the same as what is in force)' : visibleText(staged.diff.trimEnd()));
  for (const error of staged.errors) cli.out(`  error: ${visibleText(error)}`);
}

async function stage(cli: Cli, file: string): Promise<void> {
  const { staged } = await cli.control().call('stagePolicy', { text: read(file) });
  if (staged === null) throw new CountersignError('POLICY_NOT_STAGED', 'The gateway did not stage the policy.');
  tellStaged(cli, staged);
  if (staged.errors.length > 0) {
    cli.note('It cannot be accepted: the set in force stays.');
    cli.exitWith(1);
  } else cli.note('It takes effect when you accept it: countersign policy accept');
}

async function accept(cli: Cli): Promise<void> {
  const { staged } = await cli.control().call('policy', {});
  if (staged === null) throw new CountersignError('POLICY_NOT_STAGED', 'No policy is staged.');
  tellStaged(cli, staged);
  if (staged.errors.length > 0)
    throw new CountersignError('POLICY_INVALID', 'The staged policy has errors; the set in force stays.');
  const pin = await askPin(cli, 'Your PIN, to put this policy in force: ');
  const after = await cli.control().call('acceptPolicy', { hash: staged.hash, pin });
  cli.out(`In force: ${after.hash}`);
}

async function suggestions(cli: Cli, options: { stage?: string }): Promise<void> {
  const { suggestions: all, looked, since } = await cli.control().call('policySuggestions', {});
  if (options.stage !== undefined) {
    const chosen = all.find(({ id }) => id === options.stage);
    if (chosen === undefined) throw new CountersignError('USAGE', `There is no suggestion ${options.stage}.`);
    const { staged } = await cli.control().call('stagePolicy', { text: chosen.text });
    if (staged !== null) tellStaged(cli, staged);
    cli.note('It takes effect when you accept it: countersign policy accept');
    return;
  }
  for (const { id, condition, policyIds, saves, passes } of all) {
    cli.out(`${id}: an exception of ${policyIds.join(', ')} that would have saved ${saves} questions`);
    for (const line of condition.split('\n')) cli.out(`    ${visibleText(line)}`);
    cli.out(`  It would have let through:`);
    for (const { at, text, outcome } of passes) cli.out(`    ${at} ${outcome} ${oneLine(text, 120)}`);
  }
  const from = since === null ? '' : ` since ${since}`;
  cli.note(
    all.length === 0
      ? `No exception is suggested; ${looked} answered questions${from} were looked at.`
      : `From ${looked} answered questions${from}. Stage one with: countersign policy suggest --stage ID`,
  );
}

/** `countersign policy …`: check and test work on files alone, the rest asks the gateway. */
export function registerPolicyCommands(program: Command, cli: Cli): void {
  const policy = program.command('policy').description('what is allowed, asked and denied');
  policy
    .command('check [file]')
    .description('say what a policy does, or where it is wrong (default: the shipped one)')
    .action((file: string | undefined) => check(cli, file));
  policy
    .command('explain-command <command>')
    .description('say what a shell command would do, as far as its text tells (nothing is run)')
    .option('--cwd <directory>', 'where it would run (default: here)')
    .option('--json', 'the effects as JSON')
    .action((text: string, options: ExplainOptions) => explainCommand(cli, text, options));
  policy
    .command('test <file>')
    .description('run a table of statements (JSON lines) and compare the verdicts')
    .option('--policy <file>', 'the policy to test (default: the shipped one)')
    .action((file: string, options: { policy?: string }) => test(cli, file, options.policy));
  policy
    .command('suggest')
    .description('exceptions that would have saved questions which were approved again and again')
    .option('--stage <id>', 'propose one; nothing is in force before it is accepted')
    .action((options: { stage?: string }) => suggestions(cli, options));
  policy
    .command('show')
    .description('the policy in force, and what is staged')
    .option('--text', 'the text alone')
    .action((options: { text?: boolean }) => show(cli, options));
  policy
    .command('stage <file>')
    .description('propose a policy and show the difference')
    .action((file: string) => stage(cli, file));
  policy
    .command('accept')
    .description('put the staged policy in force (asks for your PIN)')
    .action(() => accept(cli));
  policy
    .command('discard')
    .description('drop the staged policy')
    .action(async () => {
      await cli.control().call('discardPolicy', {});
      cli.out('Nothing is staged.');
    });
}

import { type Command, InvalidArgumentError } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import type { RecordedEvent, RecordedSession } from '../recording/recorded.ts';
import type { Cli } from './cli.ts';
import type { SessionDeps } from './sessions.ts';
import { countOption, ON_GATEWAY, viewSession } from './sessions-find.ts';
import { paintTerminal, rawScreen } from './sessions-replay-terminal.ts';
import { resultLines, Tally } from './sessions-show.ts';
import { milliseconds, outcomeText, sessionHead, sessionOfRecording, verdictText } from './sessions-text.ts';
import { eventsOf, type ShownStatement, statementsOf } from './sessions-walk.ts';
import { styled } from './terminal/style.ts';
import { visibleJson, visibleLine, visibleLines } from './terminal/visible.ts';
import { truncate } from './terminal/width.ts';

export interface ReplayOptions {
  speed: number;
  wait: boolean;
  idle: number;
  rows: number;
  /** Of terminals: what they showed, as it was. */
  raw?: boolean;
}

/** Waits as the recording did, faster by `speed`; what is idle for longer than `idle` is cut to it. */
export class Pace {
  readonly #deps: SessionDeps;
  readonly #options: ReplayOptions;
  readonly #signal: AbortSignal;
  #at: number | null = null;

  constructor(deps: SessionDeps, options: ReplayOptions, signal: AbortSignal) {
    this.#deps = deps;
    this.#options = options;
    this.#signal = signal;
  }

  /** @param at recorded time, milliseconds. @returns a sentence when time was left out. */
  async until(at: number): Promise<string | null> {
    const before = this.#at ?? at;
    this.#at = Math.max(before, at);
    const recorded = Math.max(0, at - before) / this.#options.speed;
    const idle = this.#options.idle * 1000;
    if (!this.#options.wait || recorded === 0) return null;
    await this.#deps.sleep(Math.min(recorded, idle), this.#signal);
    return recorded > idle ? `${milliseconds(at - before)} passed` : null;
  }
}

/** Events that say more than the statement's own verdict line does. */
function eventLine(event: RecordedEvent): string | null {
  const { type, detail } = event;
  if (type === 'asked') return 'waits for a person';
  if (type === 'decided' || type === 'operation') return null;
  return `${visibleLine(type)} ${truncate(visibleJson(detail), 200)}`;
}

async function replay(cli: Cli, deps: SessionDeps, id: string, options: ReplayOptions): Promise<void> {
  const opened = await viewSession(deps, id);
  const { session } = opened;
  if (session.info.connection.kind !== 'terminal' || opened.folder === ON_GATEWAY) {
    if (options.raw) throw new CountersignError('USAGE', '--raw is for recorded terminals that this user may read');
    return paintReplay(cli, deps, opened, options);
  }
  const raw = options.raw ? rawScreen(deps.terminal.columns !== null) : null;
  for (const line of sessionHead(sessionOfRecording(session), deps.terminal).slice(0, 3)) cli.out(line);
  await paintTerminal(cli, deps, opened, new Pace(deps, options, cli.signal), raw);
}

/** Writes a session to `cli` as it went; time goes by `deps.sleep` alone. */
export async function paintReplay(
  cli: Pick<Cli, 'out' | 'note' | 'signal'>,
  deps: SessionDeps,
  { folder, session }: { folder: string; session: RecordedSession },
  options: ReplayOptions,
): Promise<void> {
  const { signal } = cli;
  const { terminal } = deps;
  const pace = new Pace(deps, options, signal);
  const events = eventsOf(deps, folder);
  let event = await events.next();
  for (const line of sessionHead(sessionOfRecording(session), terminal).slice(0, 3)) cli.out(line);
  const tally = new Tally();
  const passed = async (at: number) => {
    const skipped = await pace.until(at);
    if (skipped !== null && !signal.aborted) cli.out(styled(`… ${skipped}`, 'dim', terminal));
  };
  const mark = (text: string) => cli.out(`${styled('▌', 'yellow', terminal)} ${text}`);
  const prompt = `${visibleLine(session.info.database)}=> `;
  for await (const statement of statementsOf(deps, folder, session.id, options.rows)) {
    const started = Date.parse(statement.startedAt);
    await passed(started);
    if (signal.aborted) break;
    cli.out('');
    for (const [i, line] of visibleLines(statement.text).entries()) {
      cli.out(`${styled(i === 0 ? prompt : ' '.repeat(prompt.length), 'cyan', terminal)}${line}`);
    }
    if (statement.parameters.length > 0) cli.out(`   ${parametersText(statement)}`);
    const ended = started + statement.durationMs;
    while (!event.done && event.value.at / 1000 <= ended) {
      const line = eventLine(event.value);
      if (line !== null) {
        await passed(event.value.at / 1000);
        if (signal.aborted) break;
        mark(line);
      }
      event = await events.next();
    }
    await passed(ended);
    if (signal.aborted) break;
    if (statement.verdict !== 'allowed') mark(verdictText(statement, terminal));
    for (const { severity, message } of statement.notices)
      cli.out(`${visibleLine(severity)}:  ${visibleLine(message)}`);
    const result = statement.error ? [] : resultLines(statement, deps);
    for (const line of result) cli.out(line);
    if (result.length === 0) cli.out(outcomeText(statement, terminal));
    tally.add(statement);
  }
  await events.return?.(undefined);
  cli.out('');
  if (signal.aborted) cli.note(`stopped after ${tally.statements} statements`);
  else
    cli.out(
      `${styled('End of the session', 'bold', terminal)}: ${tally.statements} statements, ${tally.asked} asked, ${tally.denied} denied, ${tally.errors} errors${endOf(session)}`,
    );
}

function endOf(session: { state: string; close: { reason: string } | null }): string {
  if (session.state === 'open') return '; it goes on';
  return session.close ? `; ${visibleLine(session.close.reason)}` : '';
}

function parametersText({ parameters }: ShownStatement): string {
  const shown = parameters.map((value, i) => `$${i + 1} = ${value === null ? '{null}' : visibleLine(value)}`);
  return truncate(shown.join(', '), 400);
}

function speedOption(text: string): number {
  const speed = Number(text);
  if (!(speed > 0 && speed <= 10_000)) throw new InvalidArgumentError('a number above 0, such as 2 or 0.5');
  return speed;
}

export function registerReplay(sessions: Command, cli: Cli, deps: SessionDeps): Command {
  return sessions
    .command('replay <id>')
    .description('one session as it went: statements, decisions and results')
    .option('--speed <factor>', 'so many times faster', speedOption, 1)
    .option('--no-wait', 'all at once')
    .option('--idle <seconds>', 'cut what is idle for longer', countOption(), 2)
    .option('--raw', 'of a terminal: paint what it showed, instead of its lines as text')
    .option('--rows <count>', 'at most so many rows of each result', countOption(), 40)
    .action((id: string, options: ReplayOptions) => replay(cli, deps, id, options));
}

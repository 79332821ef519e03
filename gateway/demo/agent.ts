import { setTimeout as sleep } from 'node:timers/promises';
import { approvalText } from '../cli/approval-text.ts';
import type { Cli } from '../cli/cli.ts';
import { typedCommand } from '../cli/home.ts';
import { askPin } from '../cli/pin.ts';
import { resultGrid } from '../cli/terminal/grid.ts';
import { oneLine } from '../cli/visible-text.ts';
import type { Approval } from '../contract/decision.ts';
import { isCountersignError } from '../contract/errors.ts';
import type { ControlClient } from '../control/client.ts';
import { AGENT_STEPS, type AgentStep } from './agent-steps.ts';
import { DEMO_CONNECTION } from './connection.ts';

/** How one statement ended for the agent. */
export type AgentAnswer =
  | { ok: true; columns: readonly string[]; rows: readonly (readonly (string | null)[])[]; tag: string }
  | { ok: false; sqlstate: string; message: string; hint: string | null };

/** The agent's own PostgreSQL client, connected through the gateway. */
export interface AgentClient {
  run(sql: string): Promise<AgentAnswer>;
  close(): Promise<void>;
}

export interface AgentSurroundings {
  cli: Cli;
  control: ControlClient;
  connect(env: Record<string, string>): Promise<AgentClient>;
  /** The console's address, when it is known. */
  consoleUrl: string | null;
  /** A person sits at this terminal and may decide here. */
  interactive: boolean;
  /** The process that the gateway sees as the client. */
  pid: number;
}

export interface AgentOutcome {
  /** The session on the wire, as the gateway named it. */
  sessionId: string | null;
  /** Sentences about what went otherwise than it should. */
  surprises: string[];
}

/** Waits for the request that the gateway holds for this statement, or for its answer, whichever comes first. */
async function heldRequest(around: AgentSurroundings, sql: string, answered: () => boolean): Promise<Approval | null> {
  while (!answered()) {
    const { items } = await around.control.call('approvals', { state: 'waiting' });
    const found = items.find(({ operation }) => operation.text === sql && operation.connectionId === DEMO_CONNECTION);
    if (found !== undefined) return found;
    await sleep(150);
  }
  return null;
}

/** Offers the decision on this terminal, through the same public call as every other channel. The PIN is the person. */
async function offerDecision(around: AgentSurroundings, approval: Approval, settled: AbortSignal): Promise<void> {
  const { cli, control } = around;
  for (;;) {
    const said = await cli.prompt.line('  Approve (a) or deny (d) here, or decide in the console: ', settled);
    const choice = said.trim().toLowerCase();
    if (choice !== 'a' && choice !== 'd') continue;
    const common = { id: approval.id, digest: approval.operation.digest };
    try {
      if (choice === 'a') {
        const pin = await askPin(cli, '  Your PIN: ', settled);
        await control.call('decide', { ...common, decision: 'approve', pin });
      } else {
        await control.call('decide', { ...common, decision: 'deny', message: 'denied in the demo' });
      }
      return;
    } catch (error) {
      if (!isCountersignError(error) || settled.aborted) throw error;
      cli.out(`  ${error.message}`);
    }
  }
}

async function whileHeld(around: AgentSurroundings, approval: Approval, answer: Promise<AgentAnswer>): Promise<void> {
  const { cli } = around;
  cli.out('  The gateway holds it and asks a person:');
  for (const line of approvalText(approval, Date.now())) cli.out(`    ${line}`.trimEnd());
  cli.out('');
  cli.out(
    `  Decide in the console${around.consoleUrl === null ? '' : ` at ${around.consoleUrl}`}, or in another terminal:`,
  );
  cli.out(`    ${typedCommand(cli, `approvals approve ${approval.id}`)}`);
  cli.out(`    ${typedCommand(cli, `approvals deny ${approval.id}`)}`);
  if (!around.interactive) {
    cli.out('  The agent waits. Nobody is at this terminal, so without a decision it is denied when it expires.');
    return;
  }
  const settled = new AbortController();
  const ended = answer.finally(() => settled.abort()).catch(() => {});
  try {
    await offerDecision(around, approval, settled.signal);
  } catch (error) {
    // Decided elsewhere, expired, or ^C at the prompt, which decides nothing: the agent goes on waiting.
    if (!isCountersignError(error)) throw error;
    if (!settled.signal.aborted) cli.out(`  ${error.message}`);
  }
  await ended;
}

/** Plain values that must not come back: a whole card number, a social security number, an address. */
const IN_THE_CLEAR = [/^\d{13,19}$/, /^\d{3}-\d{2}-\d{4}$/, /@example\.com$/];

function tellAnswer(cli: Cli, step: AgentStep, answer: AgentAnswer, approval: Approval | null): string | null {
  if (!answer.ok) {
    cli.out(`  The agent gets an error: ${answer.sqlstate} ${oneLine(answer.message, 400)}`);
    if (answer.hint !== null) cli.out(`  Hint: ${oneLine(answer.hint, 400)}`);
    if (step.expect === 'denied' && answer.sqlstate === '42501') return null;
    if (step.expect === 'asked' && approval !== null && answer.sqlstate === '42501') return null;
    return `"${step.sql}" failed: ${answer.sqlstate} ${answer.message}`;
  }
  if (step.expect === 'denied') return `"${step.sql}" went through and should have been denied`;
  if (step.expect === 'asked') {
    cli.out(`  A person approved it, and the database answered: ${answer.tag}`);
    return approval === null ? `"${step.sql}" went through without being asked` : null;
  }
  const columns = answer.columns.map((name) => ({ name, typeOid: 0, masked: false }));
  for (const line of resultGrid(columns, answer.rows, { columns: null, color: false })) cli.out(`    ${line}`);
  const clear = answer.rows.flat().filter((value) => value !== null && IN_THE_CLEAR.some((form) => form.test(value)));
  if (clear.length > 0) return `"${step.sql}" came back with ${clear.length} sensitive values in the clear`;
  cli.out('  Personal data came back masked: the database has it in full, the agent never sees it.');
  return null;
}

async function play(around: AgentSurroundings, client: AgentClient, step: AgentStep): Promise<string | null> {
  const { cli } = around;
  if (step.quiet) {
    const answer = await client.run(step.sql);
    return answer.ok ? null : `"${step.sql}" failed: ${answer.sqlstate} ${answer.message}`;
  }
  cli.out('');
  cli.out(step.title);
  cli.out(`  shop=> ${step.sql};`);
  let answered = false;
  const answer = client.run(step.sql).finally(() => {
    answered = true;
  });
  // The answer is awaited below; until then a failure of the client must not count as unhandled.
  answer.catch(() => {});
  const approval = await heldRequest(around, step.sql, () => answered);
  if (approval !== null) await whileHeld(around, approval, answer);
  return tellAnswer(cli, step, await answer, approval);
}

/** The session this process had, newest first: sessions are known by the client's pid. */
async function ownSession(around: AgentSurroundings, since: string): Promise<string | null> {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const { items } = await around.control.call('sessions', { connectionId: DEMO_CONNECTION, since });
    const own =
      items.find((session) => session.agent.pid === around.pid) ?? (items.length === 1 ? items[0] : undefined);
    if (own !== undefined && own.state !== 'open') return own.id;
    await sleep(250);
  }
  return null;
}

/**
 * Plays the agent once. It decides nothing: a request that nobody decides expires.
 *
 * @throws CountersignError when the gateway cannot be reached or does not know the demo connection.
 */
export async function playAgent(around: AgentSurroundings): Promise<AgentOutcome> {
  const { cli, control } = around;
  const surprises: string[] = [];
  const since = new Date(Date.now() - 1000).toISOString();
  const minted = await control.call('mintToken', { id: DEMO_CONNECTION, purpose: 'the demo' });
  cli.out('An AI agent works on a shop’s database, through the gateway.');
  cli.out(`It has a token for ${minted.host}:${minted.port}; the database’s password is with the gateway alone.`);
  const client = await around.connect(minted.env);
  try {
    for (const step of AGENT_STEPS) {
      const surprise = await play(around, client, step);
      if (surprise !== null) surprises.push(surprise);
    }
  } finally {
    await client.close();
    await control.call('revokeToken', { id: minted.agentSessionId });
  }
  return { sessionId: await ownSession(around, since), surprises };
}

import type { Command } from 'commander';
import { type Finding, lookAtHooks } from '../agents/cursor/doctor/hook-files.ts';
import { probe } from '../agents/cursor/doctor/probe.ts';
import { lookForRisks } from '../agents/cursor/doctor/risks.ts';
import {
  newestTranscripts,
  type RecordedCall,
  transcriptCalls,
  wentAround,
} from '../agents/cursor/doctor/transcript.ts';
import { describe } from '../protocols/agent/understand.ts';
import {
  type InstallOptions,
  installAgent,
  type LevelOptions,
  uninstallAgent,
  whereOf,
  withLevels,
  withTerminal,
} from './agents.ts';
import type { Cli } from './cli.ts';
import { assertHasMcp, ownShim, unwrapCursorMcp, wrapCursorMcp } from './cursor-mcp.ts';
import { oneLine } from './visible-text.ts';

interface DoctorOptions extends LevelOptions {
  transcript?: string;
}

const MARKS = { ok: '✓', warn: '!', failed: '✗' } as const;
const MAX_SESSIONS = 500;
const MAX_SHOWN = 20;

/** Looks at the hooks as Cursor sees them, sends an event through them, and holds transcripts against the record. */
async function doctor(cli: Cli, options: DoctorOptions): Promise<void> {
  const where = whereOf(cli, options);
  const { installed, findings } = lookAtHooks(where);
  const tell = ({ status, sentence }: Finding) => cli.out(`${MARKS[status]} ${oneLine(sentence, 1000)}`);
  findings.forEach(tell);
  let failed = findings.some(({ status }) => status === 'failed');
  for (const one of installed) {
    const id = `countersign-doctor-${process.pid}-${one.level}`;
    for (const finding of await probe(one, where, cli.env, id, async (conversation) => {
      return (await sessionsOf(cli, conversation)).length > 0;
    })) {
      tell(finding);
      failed ||= finding.status === 'failed';
    }
  }
  for (const finding of await heldAgainstRecord(cli, where.home, options.transcript)) {
    tell(finding);
    failed ||= finding.status === 'failed';
  }
  lookForRisks(where, await ownShim(cli)).forEach(tell);
  cli.note('Hooks are a guardrail: what a command starts in turn is not told to them.');
  if (failed) cli.exitWith(1);
}

async function sessionsOf(cli: Cli, conversationId: string): Promise<string[]> {
  const ids: string[] = [];
  for (let offset = 0; offset < MAX_SESSIONS; offset += 100) {
    const { items, total } = await cli.control().call('sessions', { connectionId: 'cursor', offset, limit: 100 });
    for (const session of items) if (session.conversationId === conversationId) ids.push(session.id);
    if (offset + items.length >= total) break;
  }
  return ids;
}

async function recordedCalls(cli: Cli, conversationId: string): Promise<RecordedCall[]> {
  const calls: RecordedCall[] = [];
  for (const id of await sessionsOf(cli, conversationId)) {
    for (let offset = 0; ; offset += 500) {
      const { items, total } = await cli.control().call('statements', { id, offset, limit: 500 });
      calls.push(...items.map(({ op, text }) => ({ op, text })));
      if (offset + items.length >= total) break;
    }
  }
  return calls;
}

/** The transcript that was named, else the newest that has a record. */
async function heldAgainstRecord(cli: Cli, home: string, named: string | undefined): Promise<Finding[]> {
  const transcripts =
    named === undefined
      ? newestTranscripts(home, 5)
      : [{ file: named, conversationId: /([^/\\]+)\.jsonl$/.exec(named)?.[1] ?? named }];
  if (transcripts.length === 0)
    return [{ status: 'ok', sentence: 'Cursor has no transcripts to hold against the record' }];
  const findings: Finding[] = [];
  for (const { file, conversationId } of transcripts) {
    const calls = await transcriptCalls(file);
    if (calls.length === 0) continue;
    const recorded = await recordedCalls(cli, conversationId);
    const around = wentAround(calls, recorded);
    if (around.length === 0) {
      findings.push({ status: 'ok', sentence: `All ${calls.length} tool calls of ${file} are recorded` });
      continue;
    }
    const status = recorded.length === 0 && named === undefined ? 'warn' : 'failed';
    findings.push({ status, sentence: `${around.length} of ${calls.length} tool calls of ${file} are not recorded:` });
    for (const { tool, action } of around.slice(0, MAX_SHOWN))
      findings.push({ status, sentence: `  ${tool}: ${describe(action).slice(0, 200)}` });
  }
  return findings;
}

export function registerCursor(program: Command, cli: Cli): void {
  const cursor = program.command('cursor').description('Cursor: its hooks, and whether they do what they should');
  withTerminal(withLevels(cursor.command('install').description('let Cursor ask Countersign before its agent acts')))
    .option('--enterprise', 'as --managed')
    .option('--mcp', 'let the servers of mcp.json go through the gateway too; takes the PIN')
    .action(async (options: InstallOptions & { mcp?: boolean }) => {
      if (options.mcp) assertHasMcp(options);
      await installAgent(cli, 'cursor', options);
      if (options.mcp) await wrapCursorMcp(cli, options);
    });
  withLevels(cursor.command('uninstall').description('take the hooks out again'))
    .option('--enterprise', 'as --managed')
    .option('--mcp', 'put mcp.json back too')
    .action(async (options: LevelOptions & { mcp?: boolean }) => {
      if (options.mcp) assertHasMcp(options);
      await uninstallAgent(cli, 'cursor', options);
      if (options.mcp) unwrapCursorMcp(cli, options);
    });
  cursor
    .command('doctor')
    .description('prove that the hooks fire, and list what went around them')
    .option('--project [folder]', 'the project that Cursor works in (the current folder)')
    .option('--transcript <file>', 'the transcript to hold against the record (the newest)')
    .action((options: DoctorOptions) => doctor(cli, options));
}

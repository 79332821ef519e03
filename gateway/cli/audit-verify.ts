import type { Command } from 'commander';
import type { AuditCheck, AuditReport, DeviceReport, SessionReport } from '../audit/verify/report.ts';
import { verifyWorkspace } from '../audit/verify/verify.ts';
import { openWorkspace } from '../audit/workspace.ts';
import { isCountersignError } from '../contract/errors.ts';
import { workspaceFolder } from './audit-workspace.ts';
import type { Cli } from './cli.ts';
import { plural } from './sessions-text.ts';
import { type Style, styled, type TerminalShape, terminalShape } from './terminal/style.ts';
import { visibleJson, visibleLine } from './terminal/visible.ts';

interface VerifyOptions {
  device?: string;
  session?: string;
  json?: boolean;
  all?: boolean;
}

const MARKS: Readonly<Record<AuditCheck['status'], readonly [word: string, style: Style]>> = {
  ok: ['ok         ', 'green'],
  failed: ['FAILED     ', 'red'],
  'not-checked': ['not checked', 'yellow'],
};
const PROGRESS_MS = 2000;

/** Exit codes: 0 all that was checked holds, 1 something does not, 2 nothing could be checked. */
async function verify(cli: Cli, audit: Command, { json, all, ...only }: VerifyOptions): Promise<void> {
  try {
    const workspace = openWorkspace(workspaceFolder(cli, audit));
    const books = workspace.books('read');
    let last = Date.now();
    try {
      const report = await verifyWorkspace(workspace, books, {
        ...only,
        signal: cli.signal,
        progress: ({ device, sessions, of }) => {
          if (Date.now() - last < PROGRESS_MS) return;
          last = Date.now();
          cli.note(`device ${device}: ${sessions} of ${plural(of, 'session')}`);
        },
      });
      const failed = report.counts.failed;
      workspace.log.append({
        type: 'verified',
        what: only.session ?? only.device ?? 'everything',
        ok: report.ok,
        failed,
      });
      if (json) cli.out(visibleJson(report, 2));
      else tell(cli, report, (all ?? false) || only.session !== undefined);
      if (!report.ok || cli.signal.aborted) cli.exitWith(1);
      else if (report.counts.sessions === 0) {
        cli.note(
          only.session === undefined
            ? 'There is no session to check.'
            : `There is no session ${visibleLine(only.session)}.`,
        );
        cli.exitWith(2);
      }
    } finally {
      books.close();
    }
  } catch (error) {
    if (!isCountersignError(error)) throw error;
    cli.note(`countersign: ${error.message}`);
    cli.exitWith(2);
  }
}

function tell(cli: Cli, report: AuditReport, all: boolean): void {
  const shape = terminalShape(process.stdout, cli.env);
  cli.out(
    styled(
      `Organisation ${visibleLine(report.org)}, from its root ${visibleLine(report.root.split('+').slice(0, 2).join('+'))}`,
      'bold',
      shape,
    ),
  );
  for (const check of report.checks) line(cli, check, shape, '');
  for (const device of report.devices) tellDevice(cli, device, shape, all);
  const { devices, sessions, verified, failed, missing } = report.counts;
  cli.out('');
  cli.out(
    `${verified} of ${plural(sessions, 'session')} of ${plural(devices, 'device')} verified, ${failed} failed, ${missing} missing`,
  );
  cli.out(styled(report.ok ? 'VERIFIED' : 'NOT VERIFIED', report.ok ? 'green' : 'red', shape));
  cli.note(
    'Not shown by any of this: what a compromised recorder left out before it was hashed, and devices that were never enrolled.',
  );
}

function tellDevice(cli: Cli, device: DeviceReport, shape: TerminalShape, all: boolean): void {
  cli.out('');
  const name = device.name === null ? '' : ` (${visibleLine(device.name)}, ${visibleLine(device.account ?? '')})`;
  cli.out(styled(`Device ${visibleLine(device.device)}${name}`, 'bold', shape));
  for (const check of device.checks) line(cli, check, shape, '  ');
  for (const session of device.sessions) tellSession(cli, session, shape, all);
}

/** What holds is one line; what does not, or could not be checked for this session alone, is told. */
function tellSession(cli: Cli, session: SessionReport, shape: TerminalShape, all: boolean): void {
  const { ok, sid, ordinal, state, checks, brokenExchanges } = session;
  const gone = state === 'missing' || state === 'kept-local' || state === 'unreadable';
  const [word, style] = !ok
    ? (['FAILED     ', 'red'] as const)
    : gone
      ? (['not checked', 'yellow'] as const)
      : (['VERIFIED   ', 'green'] as const);
  const number = ordinal === null ? '' : `${ordinal} `;
  const held = checks.filter(({ status }) => status === 'ok').length;
  const left = checks.filter(({ status }) => status === 'not-checked').map(({ name }) => name);
  const rest = left.length === 0 ? '' : `; not checked: ${left.join(', ')}`;
  cli.out(
    `  ${styled(word, style, shape)}  session ${number}${visibleLine(sid)} (${state}): ${plural(held, 'check')} hold${rest}`,
  );
  for (const check of checks) {
    if (all || check.status === 'failed' || (gone && check.status !== 'ok')) line(cli, check, shape, '      ');
  }
  for (const [first, last] of brokenExchanges) {
    cli.out(
      `      damaged: ${first === last ? `exchange ${first}` : `exchanges ${first} to ${last}`}; the rest can be viewed`,
    );
  }
}

function line(cli: Cli, { name, status, sentence }: AuditCheck, shape: TerminalShape, indent: string): void {
  const [word, style] = MARKS[status];
  cli.out(`${indent}${styled(word, style, shape)}  ${visibleLine(name)}: ${visibleLine(sentence)}`);
}

export function registerAuditVerify(audit: Command, cli: Cli): void {
  audit
    .command('verify')
    .description(
      "check everything that was imported, from the root's key alone; exit code 0, 1 (broken) or 2 (nothing to check)",
    )
    .option('--device <id>', 'only this device')
    .option('--session <id>', 'only this session, with every check')
    .option('--all', 'every check of every session')
    .option('--json', 'as JSON')
    .action((options: VerifyOptions) => verify(cli, audit, options));
}

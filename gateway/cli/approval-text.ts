import { demandInWords } from '../contract/approvers.ts';
import type { Approval } from '../contract/decision.ts';
import { type Operation, whereOf } from '../contract/operation.ts';
import { riskOf } from '../contract/risk.ts';
import { duration } from './cli.ts';
import { previewLines } from './statement-preview-text.ts';
import { oneLine, visibleText } from './visible-text.ts';

/** Who → what → where, on one line. */
export function approvalLine(approval: Approval, now: number): string[] {
  const { operation } = approval;
  const left = Date.parse(approval.expiresAt) - now;
  return [
    approval.id,
    approval.state === 'waiting' ? `${duration(left)} left` : approval.state,
    oneLine(`${operation.agent.name} for ${operation.identity.display}`, 40),
    oneLine(placeText(operation), 40),
    oneLine(operation.text, 80),
  ];
}

function placeText(operation: Operation): string {
  const { connection, database } = whereOf(operation);
  return operation.protocol === 'postgres' ? `${connection}/${database}` : `${connection} in ${database}`;
}

/** What the approval is bound to besides the text. */
function boundTo(operation: Operation): string[] {
  if (operation.protocol !== 'postgres') {
    const { place, bindings } = operation;
    return [
      `  In ${oneLine(place, 200)}`,
      ...bindings.slice(0, 20).map(({ name, value }) => `  ${oneLine(name, 120)}: ${oneLine(value, 80)}`),
      ...(bindings.length > 20 ? [`  and ${bindings.length - 20} more`] : []),
    ];
  }
  const { database, role, transaction, searchPath, parameters } = operation;
  return [
    `  Database ${oneLine(database, 60)} as role ${oneLine(role, 60)}, ${transaction}, search path ${oneLine(searchPath, 80)}`,
    ...(parameters.length > 0 ? [`  Parameters: ${parameters.length}`] : []),
  ];
}

/** Who has to approve, who did, and where it waits. */
function approverLines({ verdict, votes = [], mailbox, from, operation }: Approval): string[] {
  return [
    ...(from === undefined
      ? []
      : [`  Of the machine ${oneLine(`${from.name} (${from.account})`, 120)}, device ${from.device}`]),
    ...(verdict.approvers === undefined
      ? []
      : [`  It ${oneLine(demandInWords(verdict.approvers, operation.identity.display), 300)}`]),
    ...votes.map(({ person, level, at }) => `  Approved by ${oneLine(person, 80)} (${level}, ${at})`),
    ...(mailbox === undefined ? [] : [`  ${oneLine(mailbox, 300)}`]),
  ];
}

function riskLines(approval: Approval): string[] {
  const hour = new Date(approval.createdAt).getHours();
  const { facts } = riskOf(approval, { production: null, hour, first: null });
  return facts.length === 0 ? [] : [`  Worth a second look: ${facts.join(', ')}`];
}

/** Everything that the person decides on, as the console shows it. */
export function approvalText(approval: Approval, now: number): string[] {
  const { operation, verdict } = approval;
  const { agent, effects } = operation;
  const parents = agent.parents.map((parent) => `${oneLine(parent.name, 40)} (${parent.pid})`).join(' < ');
  const tables = [...effects.writes, ...effects.reads].map((one) =>
    one.schema ? `${one.schema}.${one.name}` : one.name,
  );
  const lines = [
    `${oneLine(agent.name, 60)} wants to ${oneLine(effects.ops.join(', '), 60)} on ${operation.connectionId}, for ${oneLine(operation.identity.display, 60)}`,
    '',
    ...visibleText(operation.text)
      .split('\n')
      .map((line) => `    ${line}`),
    '',
    ...effects.words.map((words) => `  ${oneLine(words, 200)}`),
    `  Why it is asked: ${oneLine(verdict.reason, 300)} (${verdict.policyIds.join(', ')})`,
    ...riskLines(approval),
    ...approverLines(approval),
    ...boundTo(operation),
    `  Process ${agent.pid ?? 'unknown'}${parents === '' ? '' : ` < ${parents}`}`,
  ];
  if (tables.length > 0) lines.push(`  Tables: ${oneLine([...new Set(tables)].join(', '), 200)}`);
  if (approval.estimatedRows !== null)
    lines.push(`  The planner expects about ${Math.round(approval.estimatedRows)} rows`);
  lines.push(...previewLines(approval));
  lines.push(
    approval.state === 'waiting'
      ? `  Waiting; denied by itself in ${duration(Date.parse(approval.expiresAt) - now)}`
      : `  ${approval.state}${approval.decidedBy === null ? '' : ` by ${oneLine(approval.decidedBy, 60)}`}`,
    `  ${approval.id}, digest ${operation.digest}`,
  );
  return lines;
}

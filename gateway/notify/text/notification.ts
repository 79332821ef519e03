import { visibleLine, visibleLines } from '../../cli/terminal/visible.ts';
import type { Alert } from '../../contract/alert.ts';
import { demandInWords } from '../../contract/approvers.ts';
import type { Approval } from '../../contract/decision.ts';
import { type Operation, type Parameter, whereOf } from '../../contract/operation.ts';

export type NotificationAction = 'approve' | 'deny' | 'open' | 'default';

export interface Notification {
  /** Plain text on one line. */
  summary: string;
  /** With markup where the service knows it; empty where it shows none. */
  body: string;
  urgency: 'low' | 'normal' | 'critical';
  /** `default` is a click on the notification itself; some services show a button for it besides. */
  actions: ReadonlyArray<{ key: NotificationAction; label: string }>;
  /** Milliseconds; 0: never. */
  expireMs: number;
}

/** What decides how a notification can look. */
export interface NotificationSurroundings {
  /** As the service's GetCapabilities has them: `body`, `body-markup`, `actions` … */
  capabilities: ReadonlySet<string>;
  /** Can this program open the console in a browser? */
  canOpen: boolean;
  consoleUrl: string;
  /** Milliseconds since the epoch. */
  now: number;
}

/** What a notification shows whole on every desktop, roughly: a longer statement is shown in the console. */
const MAX_LINES = 8;
const MAX_STATEMENT = 400;
const MAX_PARAMETERS = 200;
const MAX_EXPIRE_MS = 0x7fff_ffff;

/** Classes that a person must not miss. */
const SEVERE: ReadonlySet<string> = new Set(['destructive', 'privilege', 'execute', 'unknown']);
/** Programs that only pass a command on: the one above them is what started the client. */
const SHELLS = new Set(['sh', 'bash', 'dash', 'zsh', 'fish', 'env', 'sudo', 'timeout', 'setsid']);

/**
 * One request that waits. Approve is offered where a click is all that policy asks for, and all that is
 * approved can be read in the notification; anything else takes the console.
 */
export function notificationOf(approval: Approval, surroundings: NotificationSurroundings): Notification {
  const { operation, verdict } = approval;
  const { capabilities, now } = surroundings;
  const statement = shownStatement(operation);
  const readable = statement.whole && capabilities.has('body');
  // Where certain people have to approve, a click of whoever is here may count for nothing: the console says so.
  const counts = verdict.approvers === undefined || approval.from !== undefined;
  const oneClick = verdict.level === 'click' && readable && counts;
  const lines = [
    ...operation.effects.words.slice(0, 2).map((words) => part(words, 160)),
    ...statement.lines,
    ...(approval.estimatedRows === null ? [] : [`About ${Math.round(approval.estimatedRows)} rows`]),
    ...(verdict.approvers === undefined
      ? []
      : [part(`It ${demandInWords(verdict.approvers, operation.identity.display)}.`, 200)]),
    ...(approval.from === undefined
      ? []
      : [part(`On the machine ${approval.from.name} of ${approval.from.account}.`, 160)]),
    ...(readable ? [] : ['This is not all of it: read the rest in the console.']),
    ...(verdict.level === 'click' ? [] : [`Approving takes ${LEVEL_WORDS[verdict.level]}, in the console.`]),
    circumstances(operation),
  ];
  return {
    summary: operationSummary(operation),
    body: bodyOf(lines, surroundings),
    urgency: SEVERE.has(operation.effects.class) ? 'critical' : 'normal',
    actions: buttons(oneClick ? ['approve', 'deny', 'default'] : ['deny', 'open'], surroundings),
    expireMs: Math.min(Math.max(Date.parse(approval.expiresAt) - now, 1), MAX_EXPIRE_MS),
  };
}

/** Those for which there is no place. */
export function moreWaitNotification(count: number, surroundings: NotificationSurroundings): Notification {
  return {
    summary: count === 1 ? '1 more request waits for you' : `${count} more requests wait for you`,
    body: bodyOf([], surroundings),
    urgency: 'normal',
    actions: buttons(['open'], surroundings),
    expireMs: 0,
  };
}

/** The latest alert; `count` with those before it that nobody has closed. */
export function alertNotification(alert: Alert, count: number, surroundings: NotificationSurroundings): Notification {
  const where = `${part(alert.agent, 40)} on ${part(alert.connectionId, 40)}`;
  return {
    summary: `${count > 1 ? `${count} alerts, the last: ` : 'Alert: '}${part(alert.rule.title, 100)}`,
    body: bodyOf([part(alert.sentence, 300), `${alert.severity}; ${where}`], surroundings),
    urgency: alert.severity === 'critical' ? 'critical' : 'normal',
    actions: buttons(['open'], surroundings),
    expireMs: -1,
  };
}

const LEVEL_WORDS = { pin: 'the PIN', passkey: 'a passkey' } as const;

/**
 * Who → what → where. Services cut it after some forty characters, so it is short, and each part has a
 * limit of its own: a long one does not push the next out of sight.
 */
export function operationSummary(operation: Operation): string {
  const { agent, effects } = operation;
  const { connection, database } = whereOf(operation);
  const starter = starterOf(agent);
  const who = `${part(agent.name, 16)}${starter === null ? '' : ` (${part(starter, 16)})`}`;
  const what = part([...new Set(effects.ops)].join(', ') || effects.class, 24);
  return `${who} → ${what} → ${placeText(operation, part(connection, 24), part(database, 24))}`;
}

/** The same at length, where the summary may have been cut. */
function circumstances(operation: Operation): string {
  const { agent, identity } = operation;
  const { connection, database, role } = whereOf(operation);
  const starter = starterOf(agent);
  const started = starter === null ? '' : `, started by ${part(starter, 60)}`;
  const as = role === null ? '' : ` as ${part(role, 63)}`;
  const where = placeText(operation, part(connection, 64), part(database, 63)) + as;
  return `${part(agent.name, 60)}${started}, for ${part(identity.display, 60)}, on ${where}`;
}

const placeText = ({ protocol }: Operation, connection: string, place: string): string =>
  protocol === 'postgres' ? `${connection}/${place}` : `${connection} in ${place}`;

function starterOf({ parents }: Operation['agent']): string | null {
  return parents.find(({ pid, name }) => pid > 1 && !SHELLS.has(name))?.name ?? null;
}

/** Text from outside on one line; an arrow of its own would look like the next part. */
function part(text: string, width: number): string {
  const line = visibleLine(text.slice(0, 4 * width))
    .replaceAll('→', '<2192>')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return shortened(line, width);
}

function shortened(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, width - 1).toWellFormed()}…`;
}

/** `whole`: everything that an approval would be for is in these lines. */
function shownStatement(operation: Operation): { lines: string[]; whole: boolean } {
  const all = visibleLines(operation.text.slice(0, 2 * MAX_STATEMENT).trim());
  const lines = all.map((line) => line.trimEnd()).filter((line) => line !== '');
  const fits = lines.length <= MAX_LINES && lines.join('\n').length <= MAX_STATEMENT;
  let whole = fits && operation.text.trim().length <= 2 * MAX_STATEMENT;
  if (!whole) {
    const text = lines.slice(0, MAX_LINES).join('\n');
    lines.splice(0, lines.length, ...shortened(text, MAX_STATEMENT - 1).split('\n'));
    if (!lines.at(-1)?.endsWith('…')) lines.push('…');
  }
  const parameters = operation.protocol === 'postgres' ? operation.parameters : [];
  if (parameters.length > 0) {
    const values = parameters.map((parameter, i) => `$${i + 1} = ${parameterText(parameter) ?? '…'}`);
    const line = values.join(', ');
    if (line.length > MAX_PARAMETERS || parameters.some((one) => parameterText(one) === null)) whole = false;
    lines.push(`With ${shortened(line, MAX_PARAMETERS)}`);
  }
  return { lines, whole };
}

/** As it can be read; null where it cannot. */
function parameterText({ format, value }: Parameter): string | null {
  if (value === null) return 'NULL';
  if (format === 'binary' || value.length > 4 * MAX_PARAMETERS) return null;
  const bytes = Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
  return `'${visibleLine(new TextDecoder().decode(bytes))}'`;
}

const LABELS: Readonly<Record<NotificationAction, string>> = {
  approve: 'Approve',
  deny: 'Deny',
  open: 'Open',
  default: 'Open',
};

function buttons(
  keys: readonly NotificationAction[],
  { capabilities, canOpen }: NotificationSurroundings,
): Notification['actions'] {
  if (!capabilities.has('actions')) return [];
  return keys
    .filter((key) => canOpen || (key !== 'open' && key !== 'default'))
    .map((key) => ({ key, label: LABELS[key] }));
}

function bodyOf(lines: readonly string[], surroundings: NotificationSurroundings): string {
  const { capabilities, canOpen, consoleUrl } = surroundings;
  if (!capabilities.has('body')) return '';
  const opens = canOpen && capabilities.has('actions');
  const text = [...lines, ...(opens ? [] : [`Console: ${consoleUrl}`])].join('\n');
  return capabilities.has('body-markup') ? escaped(text) : text;
}

/** Markup of a notification is a subset of XML; without this, text could be a link or vanish. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

import { visibleLine } from '../../cli/terminal/visible.ts';
import type { Approval } from '../../contract/decision.ts';
import type { Session } from '../../contract/session.ts';
import type { GatewayStatus } from '../../contract/status.ts';
import { operationSummary } from './notification.ts';

/** Each has an icon of its own shape, so that colour says nothing alone. */
export type TrayIcon = 'running' | 'waiting' | 'halted' | 'broken' | 'stopped' | 'unprotected';

/** What a click in the menu does. Nothing here gives leave: that is for pages, which can ask for the PIN. */
export type TrayAction =
  | { do: 'open'; path: string }
  | { do: 'popup' }
  | { do: 'deny'; approvalId: string; digest: string }
  | { do: 'pause'; minutes: number }
  | { do: 'panic' }
  | { do: 'autostart'; on: boolean }
  | { do: 'quit' };

export type TrayItem =
  | { kind: 'separator' }
  | { kind: 'words'; label: string }
  | { kind: 'action'; label: string; action: TrayAction; checked?: boolean }
  | { kind: 'menu'; label: string; items: readonly TrayItem[] };

export interface TrayState {
  /** null: the gateway does not answer, and `sentence` says why. */
  status: GatewayStatus | null;
  sentence: string;
  waiting: readonly Approval[];
  sessions: readonly Session[];
  /** What this host of the menu can do beside. */
  host: { quits: boolean; hasPopup: boolean; autostart: boolean | null };
}

/** Requests in the menu itself; the rest is in the console. */
const MAX_REQUESTS = 5;
const MAX_SESSIONS = 5;
const MAX_LABEL = 90;

export function trayIcon({ status, waiting }: Pick<TrayState, 'status' | 'waiting'>): TrayIcon {
  if (status === null) return 'stopped';
  if (!status.recorder.ok || status.policy.error !== null) return 'broken';
  if (status.halt !== null) return 'halted';
  if (waiting.length > 0) return 'waiting';
  return status.protection === 'unprotected' ? 'unprotected' : 'running';
}

/** Says in words everything that the icon can only say one of. */
export function trayTooltip({ status, sentence, waiting }: Pick<TrayState, 'status' | 'sentence' | 'waiting'>): string {
  if (status === null) return `Countersign is not running: ${line(sentence, 120)}`;
  const parts = [
    ...(status.recorder.ok ? [] : ['cannot record, so nothing is forwarded']),
    ...(status.policy.error === null ? [] : ['the policy cannot be used, so nothing is forwarded']),
    ...(status.halt === null ? [] : [status.halt.kind === 'panic' ? 'every connection is cut' : 'paused']),
    ...(waiting.length === 0 ? [] : [waitingWords(waiting.length)]),
    many(status.openSessions, 'open session'),
    ...(status.protection === 'unprotected' ? ['unprotected'] : []),
  ];
  return `Countersign: ${parts.join(', ')}`;
}

export function trayMenu(state: TrayState): TrayItem[] {
  const { status, waiting, sessions, host } = state;
  return [
    { kind: 'words', label: trayTooltip(state) },
    ...(status?.recorder.error ? [{ kind: 'words', label: line(status.recorder.error, MAX_LABEL) } as const] : []),
    SEPARATOR,
    ...requests(waiting, host.hasPopup),
    ...(status === null ? [] : halting(status)),
    ...(status === null ? [] : recent(sessions)),
    SEPARATOR,
    open('Open the console', '/'),
    ...(host.autostart === null
      ? []
      : [
          {
            kind: 'action',
            label: 'Start when I log in',
            checked: host.autostart,
            action: { do: 'autostart', on: !host.autostart },
          } as const,
        ]),
    ...(host.quits ? [{ kind: 'action', label: 'Quit …', action: { do: 'quit' } } as const] : []),
  ];
}

const SEPARATOR = { kind: 'separator' } as const;

const open = (label: string, path: string): TrayItem => ({ kind: 'action', label, action: { do: 'open', path } });

function requests(waiting: readonly Approval[], hasPopup: boolean): TrayItem[] {
  if (waiting.length === 0) return [{ kind: 'words', label: 'Nothing waits for you' }, SEPARATOR];
  const shown = waiting.slice(0, MAX_REQUESTS).map(
    ({ id, operation }): TrayItem => ({
      kind: 'menu',
      label: line(operationSummary(operation), MAX_LABEL),
      items: [
        open('Open', `/approvals/${id}`),
        { kind: 'action', label: 'Deny', action: { do: 'deny', approvalId: id, digest: operation.digest } },
      ],
    }),
  );
  const rest = waiting.length - shown.length;
  return [
    ...(hasPopup ? [{ kind: 'action', label: 'Show what waits', action: { do: 'popup' } } as const] : []),
    ...shown,
    ...(rest > 0 ? [open(`${rest} more …`, '/approvals')] : []),
    SEPARATOR,
  ];
}

/** Two steps for each, so that no slip of the hand cuts everything. */
function halting({ halt }: GatewayStatus): TrayItem[] {
  const panic: TrayItem = {
    kind: 'menu',
    label: 'Panic',
    items: [{ kind: 'action', label: 'Cut every connection now, for an hour', action: { do: 'panic' } }],
  };
  if (halt !== null) {
    return [
      { kind: 'words', label: line(halt.sentence, MAX_LABEL) },
      open('Resume, with the PIN …', '/'),
      ...(halt.kind === 'panic' ? [] : [panic]),
    ];
  }
  const pause = (minutes: number): TrayItem => ({
    kind: 'action',
    label: `For ${minutes} minutes`,
    action: { do: 'pause', minutes },
  });
  return [{ kind: 'menu', label: 'Pause: deny what needs me', items: [5, 15, 60].map(pause) }, panic];
}

function recent(sessions: readonly Session[]): TrayItem[] {
  if (sessions.length === 0) return [];
  const items = sessions.slice(0, MAX_SESSIONS).map(({ id, state, agent, connectionId, database }) => {
    const where = database === '' ? connectionId : `${connectionId}/${database}`;
    return open(
      line(`${state === 'open' ? 'open' : 'ended'}: ${agent.name} on ${where}`, MAX_LABEL),
      `/sessions/${id}`,
    );
  });
  return [{ kind: 'menu', label: 'Recent sessions', items: [...items, SEPARATOR, open('All sessions', '/sessions')] }];
}

const waitingWords = (count: number) => (count === 1 ? '1 request waits for you' : `${count} requests wait for you`);

const many = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Text from outside on one line: what is hidden is made visible. */
function line(text: string, width: number): string {
  const one = visibleLine(text.slice(0, 4 * width))
    .replaceAll(/\s+/g, ' ')
    .trim();
  return one.length <= width ? one : `${one.slice(0, width - 1).toWellFormed()}…`;
}

import type { MessageBoxOptions } from 'electron';
import type { GatewayState } from './gateway/supervisor.ts';
import type { Snapshot } from './gateway/watch.ts';

/** stay: do not quit. keep: the gateway runs on. stop: it ends in order, with its sessions. */
export type QuitChoice = 'stay' | 'keep' | 'stop';

export interface QuitQuestion {
  box: MessageBoxOptions;
  /** By the button's number. */
  choices: readonly QuitChoice[];
}

/** What a person is told and asked before the app ends; null: there is nothing to say. */
export function quitQuestion(gateway: GatewayState, { status }: Snapshot): QuitQuestion | null {
  if (gateway.kind !== 'running' || status === null) return null;
  const open = status.openSessions;
  const sessions = open === 0 ? 'No session is open now.' : `${open} open session${open === 1 ? '' : 's'} will go on.`;
  const unattended =
    'Without the app nothing is shown in the tray; what needs you waits in the console, and is denied when its time is over. Grants end now.';
  // A gateway without a PIN lets nobody sign in again but by its own app, and this one ends.
  const noPin =
    gateway.started && !status.pinSet
      ? ' No PIN is set, so the app cannot sign in to this gateway again: set one first, or stop the gateway too.'
      : '';
  const buttons: [string, QuitChoice][] = [
    ['Quit, keep the gateway running', 'keep'],
    ...(gateway.started ? [['Quit and stop the gateway', 'stop'] as [string, QuitChoice]] : []),
    ['Cancel', 'stay'],
  ];
  return {
    box: {
      type: 'question',
      title: 'Countersign',
      message: 'The gateway keeps running when you quit.',
      detail: `${sessions} ${unattended}${noPin}`,
      buttons: buttons.map(([label]) => label),
      defaultId: 0,
      cancelId: buttons.length - 1,
      noLink: true,
    },
    choices: buttons.map(([, choice]) => choice),
  };
}

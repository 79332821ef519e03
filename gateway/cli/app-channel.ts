import type { AppAnswer } from '../contract/desktop.ts';
import { AppQuestion } from '../contract/desktop.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Service } from '../service.ts';

/**
 * What the desktop app and the gateway that it started say to each other: over the channel that only a
 * parent and its child have, so that a one-time code is in no argument, variable, file or terminal.
 */
export interface AppChannel {
  ready(service: Service): void;
  /** Resolves when the app asks the gateway to end. */
  readonly stop: Promise<string>;
}

/** The parts of a child process that are used. */
export type ChildProcessSide = Pick<NodeJS.Process, 'on'> & {
  send?: ((message: AppAnswer, callback?: (error: Error | null) => void) => boolean) | undefined;
  channel?: { unref(): void } | undefined;
};

/** Throws USAGE where no program waits at the other end. */
export function openAppChannel(side: ChildProcessSide = process as ChildProcessSide): AppChannel {
  const { send } = side;
  if (send === undefined) throw new CountersignError('USAGE', '--app is for the desktop app, which starts this itself');
  // The app may have ended: its gateway goes on.
  const tell = (answer: AppAnswer) => void send.call(side, answer, () => {});
  const { promise, resolve } = Promise.withResolvers<string>();
  let service: Service | null = null;
  side.on('message', (message: unknown) => {
    const asked = AppQuestion.safeParse(message);
    if (!asked.success) return;
    if (asked.data.ask === 'stop') resolve('the desktop app');
    else if (service !== null) tell({ code: service.loginCode });
  });
  side.on('error', () => {});
  side.channel?.unref();
  return {
    ready(started) {
      service = started;
      tell({ ready: { socket: started.control.socketPath, code: started.loginCode } });
    },
    stop: promise,
  };
}

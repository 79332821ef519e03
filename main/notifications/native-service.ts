import type { Notification, NotificationConstructorOptions } from 'electron';
import type { NotificationDaemon } from '../../gateway/notify/board/service.ts';

export type NativeNotification = Pick<Notification, 'on' | 'show' | 'close'>;

export interface NativeListeners {
  invoked(id: number, action: string): void;
  closed(id: number): void;
}

/** Nothing here is kept of what the system took away. */
interface Shown {
  notification: NativeNotification;
  gone: boolean;
}

/** The system's own notifications on macOS and Windows, as a service of the same kind as that of D-Bus. */
export function createNativeService(
  create: (options: NotificationConstructorOptions) => NativeNotification,
  platform: NodeJS.Platform,
  listeners: NativeListeners,
): NotificationDaemon {
  const all = new Map<number, Shown>();
  let last = 0;

  function close(id: number): void {
    const shown = all.get(id);
    if (shown === undefined) return;
    shown.gone = true;
    all.delete(id);
    shown.notification.close();
  }

  return {
    name: platform === 'darwin' ? 'macOS' : 'Windows',
    // Plain text; buttons, which macOS shows for a signed app only: without them a click opens it.
    capabilities: new Set(['body', 'actions']),
    notify({ summary, body, urgency, actions }, replaces) {
      close(replaces);
      const id = ++last;
      const buttons = actions.filter(({ key }) => key !== 'default');
      const notification = create({
        title: summary,
        body,
        silent: urgency === 'low',
        timeoutType: 'never',
        urgency,
        actions: buttons.map(({ label }) => ({ type: 'button', text: label })),
      });
      const shown: Shown = { notification, gone: false };
      all.set(id, shown);
      const once = (tell: () => void) => {
        if (shown.gone) return;
        shown.gone = true;
        all.delete(id);
        tell();
      };
      notification.on('action', ({ actionIndex }) => {
        const key = buttons[actionIndex]?.key;
        once(() => {
          if (key !== undefined) listeners.invoked(id, key);
          listeners.closed(id);
        });
      });
      notification.on('click', () =>
        once(() => {
          listeners.invoked(id, 'default');
          listeners.closed(id);
        }),
      );
      notification.on('close', () => once(() => listeners.closed(id)));
      return new Promise((resolve, reject) => {
        notification.on('show', () => resolve(id));
        notification.on('failed', (_event, error) => {
          shown.gone = true;
          all.delete(id);
          reject(new Error(error));
        });
        notification.show();
      });
    },
    close,
  };
}

import type { Notification } from '../text/notification.ts';

/** A notification service that answers, whatever the desktop calls it. */
export interface NotificationDaemon {
  /** For the person, such as `Xfce Notify Daemon 0.7.3`. */
  name: string;
  /** As GetCapabilities of the Desktop Notifications Specification has them. */
  capabilities: ReadonlySet<string>;
  /** @param replaces id of one that this takes the place of, or 0. @returns its id. Throws CountersignError. */
  notify(notification: Notification, replaces: number): Promise<number>;
  close(id: number): void;
}

import type { Notification } from '../text/notification.ts';
import type { NotificationDaemon } from './service.ts';

export interface SlotListeners {
  /** It appeared or was taken away. */
  moved(): void;
  failed(slot: Slot, error: unknown): void;
}

/** One place on the screen: what is wanted there, and what is. At most one call is under way for it. */
export class Slot {
  /** Of the notification that is shown; 0: none. */
  id = 0;
  readonly #daemon: NotificationDaemon;
  readonly #listeners: SlotListeners;
  #wanted: Notification | null = null;
  #shown: Notification | null = null;
  #busy = false;

  constructor(daemon: NotificationDaemon, listeners: SlotListeners) {
    this.#daemon = daemon;
    this.#listeners = listeners;
  }

  show(notification: Notification): void {
    this.#wanted = notification;
    this.#pump();
  }

  close(): void {
    this.#wanted = null;
    this.#pump();
  }

  /** The service says that it is gone. */
  vanished(): void {
    this.id = 0;
    this.#shown = null;
    this.#wanted = null;
    this.#listeners.moved();
  }

  #pump(): void {
    if (this.#busy || this.#wanted === this.#shown) return;
    if (this.#wanted === null) {
      this.#daemon.close(this.id);
      this.vanished();
      return;
    }
    const notification = this.#wanted;
    const isNew = this.id === 0;
    this.#busy = true;
    this.#daemon.notify(notification, this.id).then(
      (id) => {
        this.#busy = false;
        this.id = id;
        this.#shown = notification;
        if (isNew) this.#listeners.moved();
        this.#pump();
      },
      (error: unknown) => {
        this.#busy = false;
        this.#listeners.failed(this, error);
      },
    );
  }
}

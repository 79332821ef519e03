import type { ApiEvent } from '../../gateway/contract/api.ts';
import { Board } from '../../gateway/notify/board/board.ts';
import type { NotificationDaemon } from '../../gateway/notify/board/service.ts';
import type { ElectronParts } from '../electron-parts.ts';
import type { Snapshot } from '../gateway/watch.ts';
import { createNativeService } from './native-service.ts';

export interface AttentionDeps {
  electron: Pick<ElectronParts, 'Notification'>;
  platform: NodeJS.Platform;
  now(): number;
  schedule(milliseconds: number, run: () => void): () => void;
  log(sentence: string): void;
  decide(id: string, digest: string, decision: 'approve' | 'deny'): Promise<unknown>;
  showPopup(focus: boolean): void;
  openConsole(path: string): void;
}

/** How a person learns that something waits: by the system's notifications, or else by the popup. */
export class Attention {
  readonly #deps: AttentionDeps;
  readonly #board: Board;
  /** null on Linux: there the gateway has its own over D-Bus, with buttons, which Electron's have not. */
  readonly #native: NotificationDaemon | null = null;

  constructor(deps: AttentionDeps) {
    this.#deps = deps;
    const { electron, platform, now, schedule, log } = deps;
    this.#board = new Board({
      now,
      schedule,
      decide: ({ id, operation }, decision) =>
        void deps.decide(id, operation.digest, decision).catch((error: Error) => {
          // Nobody is signed in, say: the request waits on, and this is where that shows.
          log(`a click on a notification decided nothing: ${error.message}`);
          deps.openConsole(`/approvals/${id}`);
        }),
      open: () => deps.showPopup(true),
      consoleUrl: () => '',
      onProblem: log,
    });
    if (platform === 'linux' || !electron.Notification.isSupported()) return;
    this.#native = createNativeService((given) => new electron.Notification(given), platform, {
      invoked: (id, action) => this.#board.invoked(id, action),
      closed: (id) => this.#board.closed(id),
    });
    this.#board.daemonArrived(this.#native);
  }

  /** @param event null: everything was read anew. */
  changed(snapshot: Snapshot, event: ApiEvent | null): void {
    if (event === null) for (const approval of snapshot.waiting) this.#board.approvalChanged(approval);
    if (event?.type === 'alert') this.#board.alertRaised(event.alert);
    if (event?.type !== 'approval') return;
    this.#board.approvalChanged(event.approval);
    // An estimate of the same request comes later.
    const isNew = event.approval.state === 'waiting' && event.approval.estimatedRows === null;
    if (isNew && !this.#isTold(snapshot)) this.#deps.showPopup(false);
  }

  /** What was shown is decided by nobody any more. */
  lost(): void {
    this.#board.closeAll();
    if (this.#native !== null) this.#board.daemonArrived(this.#native);
  }

  close(): void {
    this.#board.closeAll();
  }

  #isTold({ status }: Snapshot): boolean {
    return this.#native !== null || (this.#deps.platform === 'linux' && status?.notifications.ok === true);
  }
}

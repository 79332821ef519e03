import type { GatewayClient } from '../gateway/client.ts';

/** Less than half of what a gateway keeps its own icon away for, so that one lost call does not show it. */
const AGAIN_MS = 60_000;

export interface OneIcon {
  /** The gateway answers. */
  connected(): void;
  lost(): void;
  /** The app's icon goes; resolves also when the gateway could not be told. */
  release(): Promise<void>;
}

/**
 * A gateway that was started without the app may have an icon of its own in a Linux panel: while the app has one,
 * that goes.
 */
export function createOneIcon(deps: {
  platform: NodeJS.Platform;
  client: Pick<GatewayClient, 'call'>;
  schedule(milliseconds: number, run: () => void): () => void;
}): OneIcon {
  let cancel: (() => void) | null = null;
  // An icon too many is no reason to say anything: what matters is said by the rest.
  const tell = (held: boolean) =>
    deps.client.call('holdTray', { held }).then(
      () => {},
      () => {},
    );
  function hold(): void {
    void tell(true);
    cancel = deps.schedule(AGAIN_MS, hold);
  }
  function lost(): void {
    cancel?.();
    cancel = null;
  }
  return {
    connected() {
      if (deps.platform === 'linux' && cancel === null) hold();
    },
    lost,
    async release() {
      if (cancel === null) return;
      lost();
      await tell(false);
    },
  };
}

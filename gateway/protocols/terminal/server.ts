import type { Duplex } from 'node:stream';
import { FRAME } from './frames.ts';
import { Link } from './link.ts';
import type { TerminalDeps } from './ports.ts';
import { serveTerminal } from './session.ts';

export interface Terminals {
  /** A command line that changed its connection from HTTP to frames. */
  accept(socket: Duplex, head: Uint8Array): void;
  /** Ends all of them, and resolves when their recordings are closed. */
  close(reason: string): Promise<void>;
}

const MAX_TERMINALS = 128;
/** For commands to end when the gateway does. */
const CLOSE_MS = 3_000;

/** Commands in recorded terminals, each over a connection of its own. */
export function createTerminals(deps: TerminalDeps): Terminals {
  const open = new Map<Link, Promise<void>>();
  let closing: string | null = null;
  return {
    accept(socket, head) {
      const link = new Link(socket, head);
      const full =
        open.size >= MAX_TERMINALS ? `${MAX_TERMINALS} recorded terminals run already; end some first.` : null;
      const refused = closing ?? full;
      if (refused !== null) {
        link.end({ type: FRAME.denied, message: { sentence: refused } });
        return;
      }
      const served = serveTerminal(deps, link).finally(() => open.delete(link));
      open.set(link, served);
    },
    async close(reason) {
      closing = reason;
      for (const link of open.keys()) link.send(FRAME.stop, { sentence: reason });
      const timer = setTimeout(() => {
        for (const link of open.keys()) link.destroy();
      }, CLOSE_MS);
      await Promise.all(open.values());
      clearTimeout(timer);
    },
  };
}

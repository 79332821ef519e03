import { z } from 'zod';

/** What the desktop app asks the gateway that it started. `code`: another one-time code. `stop`: end in order. */
export const AppQuestion = z.object({ ask: z.enum(['code', 'stop']) });
export type AppQuestion = z.infer<typeof AppQuestion>;

/** What that gateway tells the app: once when it serves, and for each code asked for. */
export const AppAnswer = z.union([
  z.object({ ready: z.object({ socket: z.string().max(1000), code: z.string().max(64) }) }),
  z.object({ code: z.string().max(64) }),
]);
export type AppAnswer = z.infer<typeof AppAnswer>;

/** What `countersign where` says. `own`: the gateway of this user, which the app may start. */
export const Whereabouts = z.object({ version: z.string(), home: z.string(), socket: z.string(), own: z.boolean() });
export type Whereabouts = z.infer<typeof Whereabouts>;

/** Pages that the app shows; a deep link and the popup open nothing else. */
export const DesktopPath = z
  .string()
  .regex(/^\/(?:(?:approvals|sessions|grants|policy|connections|settings)(?:\/[A-Za-z0-9-]{1,64})?)?$/);

/**
 * What the app's preload gives its pages as `countersignDesktop`, beyond what a web page can do. Nothing
 * in it decides anything or reads anything.
 */
export interface DesktopBridge {
  /** Minimises: what waits goes on waiting. */
  hidePopup(): void;
  /** @param path of the console, as DesktopPath. */
  openConsole(path: string): void;
  /** Height of the popup's content in CSS pixels. */
  setPopupHeight(pixels: number): void;
  /** Whether the app starts when the person logs in; null where that cannot be set (not installed). */
  autostart(): Promise<boolean | null>;
  /** @returns how it is then. Rejects where the system refuses. */
  setAutostart(on: boolean): Promise<boolean | null>;
}

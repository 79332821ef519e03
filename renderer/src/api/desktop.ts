import type { DesktopBridge } from '../../../gateway/contract/desktop.ts';

/** What the desktop app's preload offers beside the API; a browser has none of it. */
export const desktop: DesktopBridge | null =
  (globalThis as { countersignDesktop?: DesktopBridge }).countersignDesktop ?? null;

import { canOpenBrowser, openBrowser } from '../cli/browser.ts';
import type { GatewayStatus } from '../contract/status.ts';
import type { Halt } from '../halt/halt.ts';
import { createNotifications, type Notifications } from '../notify/notifications.ts';
import { createServiceTray } from '../notify/tray/service-tray.ts';

type Tray = ReturnType<typeof createServiceTray>;
type TrayParts = Parameters<typeof createServiceTray>[0];

/** Notifications and the panel's icon: what this desktop shows of what waits. */
export function serviceDesktop(parts: {
  options: { notifications?: boolean | undefined; tray?: boolean | undefined };
  protection: GatewayStatus['protection'];
  now(): number;
  schedule: TrayParts['schedule'];
  status: TrayParts['status'];
  approvals: TrayParts['approvals'];
  halt: Halt;
  person(): string;
  consoleUrl(): string;
  onStatus(): void;
  log: TrayParts['log'];
}): { notifications: Notifications; tray: Tray } {
  const { options, protection, schedule, log } = parts;
  const { platform, env } = process;
  const canOpen = canOpenBrowser(env);
  const uid = process.getuid?.() ?? -1;
  const open = (path: string) => openBrowser(new URL(path, parts.consoleUrl()).href, env);
  const notifications = createNotifications({
    wanted: options.notifications ?? false,
    protection,
    platform,
    env,
    uid,
    now: parts.now,
    schedule,
    decide: parts.approvals.decide,
    get person() {
      return parts.person();
    },
    consoleUrl: parts.consoleUrl,
    open: canOpen ? () => open('/approvals') : null,
    log,
    onStatus: parts.onStatus,
  });
  const tray = createServiceTray({
    wanted: options.tray ?? false,
    protection,
    platform,
    env,
    uid,
    pid: process.pid,
    schedule,
    status: parts.status,
    approvals: parts.approvals,
    halt: parts.halt,
    get person() {
      return parts.person();
    },
    open: (path) => {
      if (canOpen) open(path);
    },
    log,
  });
  return { notifications, tray };
}

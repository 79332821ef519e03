import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Alert, type AlertSeverity } from '../../contract/alert.ts';

const FoundAlert = Alert.extend({ device: z.string() });
export type FoundAlert = z.infer<typeof FoundAlert>;
const Kept = z.object({ at: z.string(), more: z.boolean(), alerts: z.array(FoundAlert) });

/** What the alert rules found the last time that they were asked, in the workspace. */
export const foundAlertsFile = (folder: string): string => join(folder, 'found-alerts.json');

const LATEST_FIRST = (a: FoundAlert, b: FoundAlert) => (a.at === b.at ? (a.id < b.id ? 1 : -1) : a.at < b.at ? 1 : -1);

export function foundAlerts(folder: string) {
  const file = foundAlertsFile(folder);
  let kept: { stamp: number; value: z.infer<typeof Kept> } | null = null;
  /** Read again only when it was written again; null where nobody looked yet, or the file is damaged: look again. */
  const read = () => {
    try {
      const stamp = statSync(file).mtimeMs;
      if (kept?.stamp === stamp) return kept.value;
      const value = Kept.parse(JSON.parse(readFileSync(file, 'utf8')));
      value.alerts.sort(LATEST_FIRST);
      kept = { stamp, value };
      return value;
    } catch {
      return null;
    }
  };
  return {
    list({ severity, offset, limit }: { severity?: AlertSeverity | undefined; offset: number; limit: number }) {
      const value = read();
      const items = (value?.alerts ?? []).filter((alert) => severity === undefined || alert.severity === severity);
      return {
        items: items.slice(offset, offset + limit),
        total: items.length,
        at: value?.at ?? null,
        more: value?.more ?? false,
      };
    },
  };
}

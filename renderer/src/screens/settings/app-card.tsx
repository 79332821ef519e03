import { Switch } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { DesktopBridge } from '../../../../gateway/contract/desktop.ts';
import { Card } from '../../components/page.tsx';
import { Notice } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';
import { Setting } from './setting.tsx';
import classes from './settings-screen.module.css';

const t = strings.settings;
const KEY = ['desktop', 'autostart'];

/** What only the desktop app has. */
export function AppCard({ bridge }: { bridge: DesktopBridge }) {
  const client = useQueryClient();
  const { data: on } = useQuery({ queryKey: KEY, queryFn: () => bridge.autostart() });
  const set = useMutation({
    mutationFn: (wanted: boolean) => bridge.setAutostart(wanted),
    onSuccess: (now) => client.setQueryData(KEY, now),
  });
  return (
    <Card label={t.app}>
      <h2 className={classes.title}>{t.app}</h2>
      <Setting name={t.autostart} by={t.byYou} hint={on === null ? t.autostartCannot : t.autostartHint}>
        <Switch
          aria-label={t.autostart}
          checked={on ?? false}
          disabled={typeof on !== 'boolean' || set.isPending}
          onChange={(event) => set.mutate(event.currentTarget.checked)}
        />
      </Setting>
      {set.error !== null && (
        <Notice tone="bad" role="alert">
          {t.autostartFailed}
        </Notice>
      )}
    </Card>
  );
}

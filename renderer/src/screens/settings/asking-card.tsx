import { SegmentedControl, Switch } from '@mantine/core';
import type { GatewayStatus } from '../../../../gateway/contract/status.ts';
import { useApi } from '../../api/queries.ts';
import { Card } from '../../components/page.tsx';
import { ToneBadge } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { type Preferences, setPreference, usePreferences } from '../../preferences.ts';
import { strings } from '../../strings.ts';
import { span } from '../../text/format.ts';
import { Setting } from './setting.tsx';
import classes from './settings-screen.module.css';

const t = strings.settings;
const GUARDS: readonly Preferences['guardMs'][] = [500, 1000, 2000];

/** How a request reaches the person, and how much time there is for it. */
export function AskingCard({ status }: { status: GatewayStatus }) {
  const about = useApi('about', {}).data;
  const { moreTime, guardMs } = usePreferences();
  const longest = about?.options.expireAfterSeconds ?? null;
  return (
    <Card label={t.asking}>
      <h2 className={classes.title}>{t.asking}</h2>
      <Setting
        name={t.notifications}
        by={about?.options.notifications === false ? t.byNoNotifications : t.byStart}
        hint={<Visible>{status.notifications.sentence}</Visible>}
      >
        <ToneBadge tone={status.notifications.ok ? 'good' : 'quiet'}>
          {status.notifications.ok ? t.shown : t.notShown}
        </ToneBadge>
      </Setting>
      <Setting name={t.timeLimit} by={longest === null ? t.byPolicy : t.byExpire} hint={t.timeLimitHint}>
        {longest === null ? t.perRule : t.atMost(span(longest * 1000))}
      </Setting>
      <Setting name={t.moreTime} by={t.byYou} hint={t.moreTimeHint}>
        <Switch
          aria-label={t.moreTime}
          checked={moreTime}
          onChange={(event) => setPreference({ moreTime: event.currentTarget.checked })}
        />
      </Setting>
      <Setting name={t.guard} by={t.byYou} hint={t.guardHint}>
        <SegmentedControl
          size="xs"
          aria-label={t.guard}
          value={String(guardMs)}
          onChange={(value) => {
            const chosen = GUARDS.find((one) => String(one) === value);
            if (chosen !== undefined) setPreference({ guardMs: chosen });
          }}
          data={GUARDS.map((ms) => ({ value: String(ms), label: t.seconds(ms / 1000) }))}
        />
      </Setting>
    </Card>
  );
}

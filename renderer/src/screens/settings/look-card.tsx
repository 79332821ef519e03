import { SegmentedControl, useMantineColorScheme } from '@mantine/core';
import { Card } from '../../components/page.tsx';
import { strings } from '../../strings.ts';
import { Setting } from './setting.tsx';
import classes from './settings-screen.module.css';

const t = strings.settings;
const SCHEMES = ['auto', 'light', 'dark'] as const;

export function LookCard() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Card label={t.look}>
      <h2 className={classes.title}>{t.look}</h2>
      <Setting name={t.theme} by={t.byYou}>
        <SegmentedControl
          size="xs"
          aria-label={t.theme}
          value={colorScheme}
          onChange={(value) => setColorScheme(SCHEMES.find((one) => one === value) ?? 'auto')}
          data={SCHEMES.map((scheme) => ({ value: scheme, label: t.schemes[scheme] }))}
        />
      </Setting>
      <Setting name={t.motion} by={t.bySystem}>
        {matchMedia('(prefers-reduced-motion: reduce)').matches ? t.reduced : t.full}
      </Setting>
    </Card>
  );
}

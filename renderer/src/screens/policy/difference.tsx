import { SegmentedControl, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { lazy, Suspense, useState } from 'react';
import { strings } from '../../strings.ts';
import classes from './policy-screen.module.css';

const PolicyDiff = lazy(() => import('./policy-diff.tsx'));
const t = strings.policy;

interface Props {
  before: string;
  after: string;
  labels: { before: string; after: string };
  label?: string;
}

/** What differs between two texts; where there is room for two columns the person chooses. */
export function Difference({ before, after, labels, label = t.difference }: Props) {
  const wide = useMediaQuery('(min-width: 62em)', true, { getInitialValueInEffect: false });
  const [chosen, setChosen] = useState<'two' | 'one'>('two');
  if (before === after) return <Text c="dimmed">{t.noDifference}</Text>;
  return (
    <section aria-label={label} className={classes.difference}>
      {wide && (
        <SegmentedControl
          size="xs"
          aria-label={t.layout}
          value={chosen}
          onChange={(value) => setChosen(value as 'two' | 'one')}
          data={[
            { value: 'two', label: t.twoColumns },
            { value: 'one', label: t.oneColumn },
          ]}
        />
      )}
      <Suspense fallback={<div className={classes.placeholder}>{strings.loading}</div>}>
        <PolicyDiff before={before} after={after} labels={labels} sideBySide={wide && chosen === 'two'} />
      </Suspense>
    </section>
  );
}

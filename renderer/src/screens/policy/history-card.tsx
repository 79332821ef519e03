import { Button, Code, Loader, Text } from '@mantine/core';
import { useState } from 'react';
import type { PolicyVersion } from '../../../../gateway/contract/policy.ts';
import { useApi } from '../../api/queries.ts';
import { Card, Failure } from '../../components/page.tsx';
import { ToneBadge } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';
import { timeOfDay } from '../../text/format.ts';
import { Difference } from './difference.tsx';
import classes from './policy-screen.module.css';

const t = strings.policy.history;
const PAGE = 20;

function Version({ number, inForce, take }: { number: number; inForce: string; take(text: string): void }) {
  const version = useApi('policyVersion', { number }, { staleTime: Number.POSITIVE_INFINITY });
  if (version.error !== null) return <Failure error={version.error} retry={() => void version.refetch()} />;
  if (version.data === undefined) return <Loader size="sm" />;
  const { text } = version.data;
  return (
    <div className={classes.version}>
      <Difference
        label={t.differenceOf(number)}
        before={text}
        after={inForce}
        labels={{ before: t.asItWas(number), after: strings.policy.inForce }}
      />
      <div>
        <Button variant="default" size="compact-sm" onClick={() => take(text)}>
          {t.take}
        </Button>
      </div>
    </div>
  );
}

/** Every set that was in force, latest first, each against the one in force now. */
export function HistoryCard({ inForce, take }: { inForce: string; take(text: string): void }) {
  const [limit, setLimit] = useState(PAGE);
  const [shown, setShown] = useState<number | null>(null);
  const history = useApi('policyHistory', { offset: 0, limit }, { keepPrevious: true });
  const items: readonly PolicyVersion[] = history.data?.items ?? [];
  return (
    <Card label={t.title}>
      <div className={classes.head}>
        <h2 className={classes.title}>{t.title}</h2>
        <Text c="dimmed" size="sm">
          {t.lead}
        </Text>
      </div>
      {history.error !== null && <Failure error={history.error} retry={() => void history.refetch()} />}
      <ol className={classes.versions}>
        {items.map((version) => (
          <li key={version.number}>
            <div className={classes.versionHead}>
              <span className={classes.number}>{t.number(version.number)}</span>
              <span>{timeOfDay(version.acceptedAt, Date.now())}</span>
              <Code>{version.hash.slice(0, 16)}</Code>
              {version.inForce ? (
                <ToneBadge tone="good">{strings.policy.inForce}</ToneBadge>
              ) : (
                <Button
                  variant="subtle"
                  size="compact-sm"
                  aria-expanded={shown === version.number}
                  aria-label={shown === version.number ? t.hideOf(version.number) : t.showOf(version.number)}
                  onClick={() => setShown(shown === version.number ? null : version.number)}
                >
                  {shown === version.number ? t.hide : t.show}
                </Button>
              )}
            </div>
            {shown === version.number && <Version number={version.number} inForce={inForce} take={take} />}
          </li>
        ))}
      </ol>
      {(history.data?.total ?? 0) > items.length && (
        <Button variant="subtle" size="compact-sm" onClick={() => setLimit(limit + PAGE)}>
          {t.more}
        </Button>
      )}
    </Card>
  );
}

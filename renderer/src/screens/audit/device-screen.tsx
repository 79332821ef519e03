import { Loader, SegmentedControl } from '@mantine/core';
import { IconArrowLeft } from '@tabler/icons-react';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { AuditDevice, AuditVerdict } from '../../../../gateway/contract/audit.ts';
import { useApi } from '../../api/queries.ts';
import { ChecksBadge } from '../../components/checks.tsx';
import { LinkButton } from '../../components/link-button.tsx';
import { Card, Empty, Failure, Page } from '../../components/page.tsx';
import { Notice, type Tone, ToneBadge } from '../../components/tone.tsx';
import { VirtualList } from '../../components/virtual-list.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { timeOfDay } from '../../text/format.ts';
import { visibleString } from '../../text/visible-text.ts';
import shared from './audit.module.css';
import classes from './device-screen.module.css';
import { usePages } from './use-pages.ts';

const t = strings.audit.device;
const badges = strings.audit.badges;
const ROW_HEIGHT = 60;
const SHOWS = { all: undefined, failed: 'failed', missing: 'missing' } as const;
type Show = keyof typeof SHOWS;

const isHere = ({ state }: AuditVerdict) => state === 'open' || state === 'closed' || state === 'incomplete';

function wordOf(verdict: AuditVerdict): [Tone, string] {
  if (!verdict.ok) return ['bad', badges.failed];
  return isHere(verdict) ? ['good', badges.verified] : ['quiet', badges['not-here']];
}

function Row({ verdict }: { verdict: AuditVerdict }) {
  const [tone, word] = wordOf(verdict);
  const reason =
    verdict.checks.find(({ status }) => status === 'failed') ?? (isHere(verdict) ? undefined : verdict.checks[0]);
  return (
    <div className={classes.row}>
      <span className={classes.ordinal}>{t.ordinal(verdict.ordinal)}</span>
      <span className={classes.session}>
        {isHere(verdict) ? (
          <Link to="/sessions/$id" params={{ id: verdict.sid }} search={{}} className={classes.sid}>
            <Visible>{verdict.sid}</Visible>
          </Link>
        ) : (
          <span className={classes.sid}>
            <Visible>{verdict.sid}</Visible>
          </span>
        )}
        <span className={classes.reason}>
          {t.states[verdict.state]}
          {reason !== undefined && (
            <>
              {' · '}
              <Visible>{reason.sentence}</Visible>
            </>
          )}
        </span>
      </span>
      <ChecksBadge tone={tone} word={word} checks={verdict.checks}>
        {verdict.brokenExchanges.map(([first, last]) => (
          <Notice key={`${first}-${last}`} tone="bad">
            {strings.verification.broken(first, last)}
          </Notice>
        ))}
      </ChecksBadge>
      <span className={classes.open}>
        {isHere(verdict) && (
          <LinkButton
            to="/sessions/$id"
            params={{ id: verdict.sid }}
            search={{}}
            variant="default"
            size="compact-sm"
            aria-label={`${t.open} ${verdict.sid}`}
          >
            {t.open}
          </LinkButton>
        )}
      </span>
    </div>
  );
}

function Gaps({ report }: { report: NonNullable<AuditDevice['report']> }) {
  const spans = [
    ...report.gaps.map((gap) => ({
      ...gap,
      tone: 'late' as const,
      words: t.gap(strings.evidence.gapKinds[gap.kind] ?? gap.kind, gap.minutes),
    })),
    ...report.silences.map((silence) => ({
      ...silence,
      detail: '',
      tone: 'bad' as const,
      words: t.silence(silence.minutes),
    })),
  ].toSorted((a, b) => (a.from < b.from ? 1 : -1));
  if (spans.length === 0) return null;
  return (
    <details className={classes.gaps}>
      <summary>
        {t.gaps} ({spans.length})
      </summary>
      <ul className={shared.plain}>
        {spans.map((one) => (
          <li key={`${one.from} ${one.words}`}>
            <ToneBadge tone={one.tone}>{visibleString(one.words)}</ToneBadge>
            <span className={shared.muted}>
              {timeOfDay(one.from, 0)} – {one.until === '' ? strings.evidence.still : timeOfDay(one.until, 0)}
            </span>
            <span className={shared.main}>
              <Visible>{one.detail}</Visible>
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

export function DeviceScreen() {
  const { device: id } = useParams({ from: '/devices/$device' });
  const devices = useApi('auditDevices', {});
  const [show, setShow] = useState<Show>('all');
  const only = SHOWS[show];
  const { query, items, total, more } = usePages('auditVerdicts', { device: id, ...(only ? { only } : {}) });
  const device = devices.data?.items.find((one) => one.device === id);
  const back = (
    <Link to="/devices" className={shared.back}>
      <IconArrowLeft size={15} aria-hidden /> {t.back}
    </Link>
  );
  if (device === undefined) {
    return (
      <Page title={strings.audit.devices.title}>
        {devices.error !== null && <Failure error={devices.error} />}
        {devices.isPending ? (
          <Loader size="sm" />
        ) : (
          <Card>
            <Empty title={t.missing} hint={t.missingHint}>
              {back}
            </Empty>
          </Card>
        )}
      </Page>
    );
  }
  const name = visibleString(device.name ?? device.device);
  const { report } = device;
  return (
    <Page
      title={name}
      fill
      actions={
        report !== null && (
          <ChecksBadge
            tone={report.ok ? 'good' : 'bad'}
            word={report.ok ? badges.verified : badges.failed}
            checks={report.checks}
          />
        )
      }
    >
      {back}
      {report !== null && <Gaps report={report} />}
      <div className={classes.bar}>
        <SegmentedControl
          size="xs"
          aria-label={t.show}
          value={show}
          onChange={(value) => setShow(value as Show)}
          data={[
            { value: 'all', label: t.all },
            { value: 'failed', label: t.onlyFailed },
            { value: 'missing', label: t.onlyMissing },
          ]}
        />
        <span className={shared.muted}>{query.isSuccess ? strings.sessions.total(total) : strings.loading}</span>
      </div>
      {query.error !== null && <Failure error={query.error} retry={() => void query.refetch()} />}
      <VirtualList
        label={strings.audit.devices.sessions}
        items={items}
        total={total}
        rowHeight={ROW_HEIGHT}
        keyOf={({ sid }) => sid}
        more={more}
        stale={query.isPlaceholderData}
        row={(verdict) => <Row verdict={verdict} />}
      >
        {query.isPending && <Loader size="sm" m="md" />}
        {query.isSuccess && items.length === 0 && (
          <Empty
            title={report === null ? t.notVerified : t.none}
            hint={report === null ? t.notVerifiedHint : t.noneHint}
          />
        )}
      </VirtualList>
    </Page>
  );
}

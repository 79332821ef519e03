import { Button, Loader } from '@mantine/core';
import { IconShieldSearch } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { AuditDevice, AuditStatus } from '../../../../gateway/contract/audit.ts';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { ChecksBadge } from '../../components/checks.tsx';
import { LinkButton } from '../../components/link-button.tsx';
import { Card, Empty, Fact, Facts, Failure, Page } from '../../components/page.tsx';
import { Notice, ToneBadge } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { count, timeOfDay } from '../../text/format.ts';
import classes from './audit.module.css';
import { JobView, useJobs } from './job.tsx';

const t = strings.audit.devices;

/** What verification said of everything that is of no single device. */
function Whole({ verified }: { verified: NonNullable<AuditStatus['verified']> }) {
  const now = useNow(60_000);
  const { counts, checks } = verified;
  const failed = checks.filter(({ status }) => status === 'failed');
  return (
    <>
      <div className={classes.summary}>
        <ChecksBadge
          tone={failed.length === 0 ? 'good' : 'bad'}
          word={failed.length === 0 ? t.wholeOk : t.wholeFailed}
          title={t.whole}
          checks={checks}
        />
        <span>{t.summary(counts.verified, counts.sessions)}</span>
        {counts.failed > 0 && <ToneBadge tone="bad">{t.failed(counts.failed)}</ToneBadge>}
        {counts.missing > 0 && <ToneBadge tone="bad">{t.missing(counts.missing)}</ToneBadge>}
        <span className={classes.muted}>{t.at(timeOfDay(verified.at, now))}</span>
      </div>
      {failed.map(({ name, sentence }) => (
        <Notice key={name} tone="bad">
          <strong>
            <Visible>{name}</Visible>:
          </strong>{' '}
          <Visible>{sentence}</Visible>
        </Notice>
      ))}
      {verified.outdated && <Notice tone="warn">{t.outdated}</Notice>}
    </>
  );
}

function Device({ device }: { device: AuditDevice }) {
  const now = useNow(60_000);
  const { report, head } = device;
  const completeness = report?.checks.find(({ name }) => name === 'completeness');
  const failed = report?.checks.filter(({ status, name }) => status === 'failed' && name !== 'completeness') ?? [];
  return (
    <Card label={device.name ?? device.device}>
      <div className={classes.head}>
        <h2 className={classes.title}>
          <Link to="/devices/$device" params={{ device: device.device }}>
            <Visible>{device.name ?? t.unnamed}</Visible>
          </Link>
          <span className={classes.sub}>
            <Visible>{device.device}</Visible>
            {device.account !== null && (
              <>
                {' · '}
                <Visible>{t.account(device.account)}</Visible>
              </>
            )}
          </span>
        </h2>
        {report === null ? (
          <ToneBadge tone="quiet">{strings.audit.badges.unverified}</ToneBadge>
        ) : (
          <ChecksBadge
            tone={report.ok ? 'good' : 'bad'}
            word={report.ok ? strings.audit.badges.verified : strings.audit.badges.failed}
            checks={report.checks}
          />
        )}
      </div>
      {failed.map(({ name, sentence }) => (
        <Notice key={name} tone="bad">
          <strong>
            <Visible>{name}</Visible>:
          </strong>{' '}
          <Visible>{sentence}</Visible>
        </Notice>
      ))}
      <Facts>
        <Fact name={t.completeness}>
          {completeness === undefined ? (
            t.noReport(device.imported)
          ) : (
            <span data-status={completeness.status} className={classes.status}>
              <Visible>{completeness.sentence}</Visible>
            </span>
          )}
        </Fact>
        <Fact name={t.sessions}>
          {count(report?.sessions ?? device.imported)}
          {report !== null && report.failed > 0 && <> · {t.failed(report.failed)}</>}
          {report !== null && report.missing > 0 && <> · {t.missing(report.missing)}</>}
        </Fact>
        <Fact name={t.lastSeen}>{head === null ? t.noHead : t.head(head.size, timeOfDay(head.seen, now))}</Fact>
        {report !== null && (
          <Fact name={t.gaps}>
            {t.gapsText(report.gaps.length)}
            {report.silences.length > 0 && <> · {t.silences(report.silences.length)}</>}
          </Fact>
        )}
      </Facts>
    </Card>
  );
}

export function DevicesScreen() {
  const devices = useApi('auditDevices', {});
  const status = useApi('auditStatus', {});
  const verify = useApiMutation('startVerification', ['auditJobs']);
  const { latest, running } = useJobs(['verify']);
  const items = devices.data?.items ?? [];
  const nothing = devices.isSuccess && items.length === 0 && status.data?.sessions === 0;
  return (
    <Page
      title={t.title}
      lead={t.lead}
      actions={
        <Button
          leftSection={<IconShieldSearch size={17} />}
          disabled={running !== null || nothing}
          loading={verify.isPending}
          onClick={() => verify.mutate({})}
        >
          {t.verify}
        </Button>
      }
    >
      {devices.error !== null && <Failure error={devices.error} retry={() => void devices.refetch()} />}
      {verify.error !== null && <Failure error={verify.error} />}
      {latest !== null && latest.state !== 'done' && (
        <Card>
          <JobView job={latest} named={false} />
        </Card>
      )}
      {devices.isPending && <Loader size="sm" />}
      {nothing ? (
        <Card>
          <Empty title={t.emptyTitle} hint={t.emptyHint}>
            <LinkButton to="/imports" variant="default" mt="xs">
              {strings.nav.imports}
            </LinkButton>
          </Empty>
        </Card>
      ) : (
        status.data !== undefined &&
        (status.data.verified === null ? (
          <Notice tone="info">{t.never}</Notice>
        ) : (
          <Whole verified={status.data.verified} />
        ))
      )}
      {items.map((device) => (
        <Device key={device.device} device={device} />
      ))}
    </Page>
  );
}

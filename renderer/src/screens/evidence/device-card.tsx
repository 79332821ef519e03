import { Loader } from '@mantine/core';
import type { DeviceView } from '../../../../gateway/contract/device.ts';
import { useApi } from '../../api/queries.ts';
import { CommandBlock } from '../../components/command-block.tsx';
import { Card, Fact, Facts } from '../../components/page.tsx';
import { Notice, ToneBadge } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { ago, timeOfDay } from '../../text/format.ts';
import classes from './evidence-screen.module.css';

const t = strings.evidence;

function Gaps({ gaps }: { gaps: DeviceView['gaps'] }) {
  const now = useNow(60_000);
  if (gaps.last.length === 0) return t.noGaps;
  const before = gaps.total - gaps.last.length;
  return (
    <ul className={`${classes.plain} ${classes.gaps}`}>
      {gaps.last.map((gap) => (
        <li key={`${gap.kind} ${gap.from}`}>
          {t.gapKinds[gap.kind] ?? <Visible>{gap.kind}</Visible>}{' '}
          <span className={classes.muted}>
            {timeOfDay(gap.from, now)} – {gap.until === '' ? t.still : timeOfDay(gap.until, now)}
          </span>
          {gap.detail !== '' && (
            <div className={classes.muted}>
              <Visible>{gap.detail}</Visible>
            </div>
          )}
        </li>
      ))}
      {before > 0 && <li className={classes.muted}>{t.moreGaps(before)}</li>}
    </ul>
  );
}

/** Who vouches for what is recorded here, and what its log says. */
export function DeviceCard({ device }: { device: DeviceView | undefined }) {
  const now = useNow(10_000);
  const protection = useApi('status', {}).data?.protection;
  return (
    <Card label={t.device} className={classes.card ?? ''}>
      <h2 className={classes.title}>{t.device}</h2>
      {device === undefined ? (
        <Loader size="sm" />
      ) : (
        <>
          {device.problem !== null && (
            <Notice tone="bad" role="alert">
              <Visible>{device.problem}</Visible>
            </Notice>
          )}
          {device.warning !== null && (
            <Notice tone="warn" role="alert">
              <Visible>{device.warning}</Visible>
            </Notice>
          )}
          <Facts>
            <Fact name={t.deviceId}>
              <Visible>{`${device.name} (${device.account})`}</Visible>
              <div className={classes.mono}>
                <Visible>{device.id}</Visible>
              </div>
            </Fact>
            <Fact name={t.organisation}>
              {device.org === null ? t.noOrganisation : <Visible>{device.org}</Visible>}
            </Fact>
            <Fact name={t.by}>
              {device.enrolledBy === null ? t.notEnrolled : <Visible>{device.enrolledBy}</Visible>}
            </Fact>
            {protection !== undefined && (
              <Fact name={t.mode}>
                <ToneBadge tone={protection === 'protected' ? 'good' : 'warn'}>{t.protection[protection]}</ToneBadge>
              </Fact>
            )}
            <Fact name={t.key}>{t.keyStores[device.key.store]}</Fact>
            <Fact name={t.logSize}>{t.entries(device.size)}</Fact>
            <Fact name={t.checkpoint}>
              {device.checkpointAt === null
                ? t.noCheckpoint
                : `${timeOfDay(device.checkpointAt, now)} (${ago(device.checkpointAt, now)})`}
            </Fact>
            <Fact name={t.gaps}>
              <Gaps gaps={device.gaps} />
            </Fact>
          </Facts>
          {device.org === null && (
            <>
              <p className={classes.hint}>{t.noOrganisationNext}</p>
              <CommandBlock label={t.command} command={t.enrolCommand} />
            </>
          )}
        </>
      )}
    </Card>
  );
}

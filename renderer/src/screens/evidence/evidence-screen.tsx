import { useApi } from '../../api/queries.ts';
import { Failure, Page } from '../../components/page.tsx';
import { strings } from '../../strings.ts';
import { AlertsCard } from './alerts-card.tsx';
import { DeviceCard } from './device-card.tsx';
import classes from './evidence-screen.module.css';
import { SiemCard } from './siem-card.tsx';
import { SyncCard } from './sync-card.tsx';

const t = strings.evidence;

/** Whether what is recorded here becomes evidence: the device, its sync, alerts and SIEM. */
export function EvidenceScreen() {
  const device = useApi('device', {}, { refetchInterval: 15_000 });
  const sync = useApi('syncStatus', {});
  return (
    <Page title={t.title} lead={t.lead}>
      {device.error !== null && <Failure error={device.error} retry={() => void device.refetch()} />}
      {sync.error !== null && <Failure error={sync.error} retry={() => void sync.refetch()} />}
      <div className={classes.grid}>
        <div className={classes.column}>
          <DeviceCard device={device.data} />
          <SiemCard />
        </div>
        <SyncCard sync={sync.data} />
      </div>
      <AlertsCard />
    </Page>
  );
}

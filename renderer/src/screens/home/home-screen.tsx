import { Loader } from '@mantine/core';
import { useApi } from '../../api/queries.ts';
import { PauseBanners } from '../../components/approval/pause-banners.tsx';
import { LinkButton } from '../../components/link-button.tsx';
import { Page } from '../../components/page.tsx';
import { strings } from '../../strings.ts';
import { HealthCard } from './health-card.tsx';
import classes from './home-screen.module.css';
import { NeedsCard } from './needs-card.tsx';
import { NowCard } from './now-card.tsx';
import { SetupCard } from './setup-card.tsx';
import { TodayCard } from './today-card.tsx';

const t = strings.home;
const EVERY_MS = 15_000;

/** The first page: what needs the person, what happened today, and whether all is well. */
export function HomeScreen() {
  const { data: status } = useApi('status', {});
  const { data: sync } = useApi('syncStatus', {});
  const { data: identity } = useApi('identity', {}, { refetchInterval: EVERY_MS });
  const { data: servers } = useApi('mcpServers', {});
  return (
    <Page
      title={t.title}
      actions={
        <LinkButton to="/welcome" variant="default">
          {t.setup}
        </LinkButton>
      }
    >
      <PauseBanners />
      <SetupCard />
      {status === undefined ? (
        <Loader size="sm" />
      ) : (
        <div className={classes.columns}>
          <div className={classes.column}>
            <NeedsCard status={status} sync={sync} others={{ identity, servers: servers?.items }} />
            <TodayCard />
          </div>
          <div className={classes.column}>
            <HealthCard status={status} sync={sync} identity={identity} />
            <NowCard />
          </div>
        </div>
      )}
    </Page>
  );
}

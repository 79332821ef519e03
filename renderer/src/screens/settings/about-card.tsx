import { Code } from '@mantine/core';
import type { GatewayStatus } from '../../../../gateway/contract/status.ts';
import { useApi } from '../../api/queries.ts';
import { Card, Fact, Facts, Failure } from '../../components/page.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { ago } from '../../text/format.ts';
import classes from './settings-screen.module.css';

const t = strings.settings;

function Path({ children }: { children: string }) {
  return (
    <Code className={classes.path ?? ''}>
      <Visible>{children}</Visible>
    </Code>
  );
}

/** Versions, addresses, and where things are kept. */
export function AboutCard({ status }: { status: GatewayStatus }) {
  const { data: about, error } = useApi('about', {});
  const now = useNow(60_000);
  return (
    <Card label={t.gateway}>
      <h2 className={classes.title}>{t.gateway}</h2>
      {error !== null && <Failure error={error} />}
      <Facts>
        <Fact name={t.version}>
          <Visible>{status.version}</Visible>
        </Fact>
        {about !== undefined && (
          <>
            <Fact name={t.runsOn}>
              <Visible>{`Node ${about.node}, ${about.platform}`}</Visible>
            </Fact>
            <Fact name={t.started}>{ago(about.startedAt, now)}</Fact>
            <Fact name={t.commandLine}>
              <Path>{about.command}</Path>
            </Fact>
          </>
        )}
        <Fact name={t.listens}>
          <Path>{`${status.postgres.host}:${status.postgres.port}`}</Path>
        </Fact>
        {about?.places.map(({ what, path }) => (
          <Fact key={what} name={t.places[what]}>
            <Path>{path}</Path>
          </Fact>
        ))}
      </Facts>
      <p className={classes.foot}>{t.placesHint}</p>
    </Card>
  );
}

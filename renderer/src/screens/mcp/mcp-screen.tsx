import { Loader } from '@mantine/core';
import { useApi } from '../../api/queries.ts';
import { CommandBlock } from '../../components/command-block.tsx';
import { Card, Empty, Failure, Page } from '../../components/page.tsx';
import { strings } from '../../strings.ts';
import classes from './mcp-screen.module.css';
import { ServerCard } from './server-card.tsx';

const t = strings.mcp;
/** No event tells of a description that changed. */
const EVERY_MS = 10_000;

/** The MCP servers behind the gateway, and what their tools say of themselves. */
export function McpScreen() {
  const query = useApi('mcpServers', {}, { refetchInterval: EVERY_MS });
  // Who waits for a person comes first.
  const items = [...(query.data?.items ?? [])].sort((a, b) => b.changed.length - a.changed.length);
  return (
    <Page title={t.title} lead={t.lead}>
      {query.error !== null && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.isPending && <Loader size="sm" />}
      {query.isSuccess && items.length === 0 && (
        <Card>
          <Empty title={t.emptyTitle} hint={t.emptyHint} />
        </Card>
      )}
      <div className={classes.grid}>
        {items.map((server) => (
          <ServerCard key={server.name} server={server} />
        ))}
      </div>
      {query.isSuccess && (
        <Card label={t.add} className={classes.card ?? ''}>
          <h2 className={classes.addTitle}>{t.add}</h2>
          <p className={classes.muted}>{t.addHint}</p>
          <CommandBlock label={t.addProgram} command={t.addProgramCommand} />
          <CommandBlock label={t.addUrl} command={t.addUrlCommand} />
          <CommandBlock label={t.fromCursor} command={t.fromCursorCommand} />
        </Card>
      )}
    </Page>
  );
}

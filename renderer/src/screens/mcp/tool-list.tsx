import { Button, Loader } from '@mantine/core';
import { useState } from 'react';
import type { McpToolView } from '../../../../gateway/contract/mcp.ts';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { Diff } from '../../components/diff.tsx';
import { Failure } from '../../components/page.tsx';
import { ToneBadge } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import classes from './mcp-screen.module.css';
import { PinDialog } from './pin-dialog.tsx';

const t = strings.mcp;

function Tool({ tool, accept }: { tool: McpToolView; accept(): void }) {
  return (
    <li className={classes.tool}>
      <div className={classes.toolHead}>
        <strong>
          <Visible>{tool.name}</Visible>
        </strong>
        {tool.diff !== null && <ToneBadge tone="warn">{t.changed}</ToneBadge>}
      </div>
      {tool.description !== '' && (
        <p className={classes.muted}>
          <Visible>{tool.description}</Visible>
        </p>
      )}
      {tool.diff !== null && (
        <>
          <Diff text={tool.diff} label={t.difference(tool.name)} />
          <div>
            <Button size="compact-sm" variant="default" onClick={accept} aria-label={t.acceptOf(tool.name)}>
              {t.accept}
            </Button>
          </div>
        </>
      )}
    </li>
  );
}

/** What the server's tools are described as; those that are described otherwise now come first. */
export function ToolList({ server, changed }: { server: string; changed: number }) {
  const query = useApi('mcpTools', { name: server });
  const accept = useApiMutation('acceptMcpTools', ['mcpTools', 'mcpServers'], () => setAsked(null));
  /** Whose change is being accepted; an empty name stands for all of them. */
  const [asked, setAsked] = useState<string | null>(null);
  const items = query.data?.items ?? [];
  return (
    <div className={classes.tools}>
      {query.isPending && <Loader size="sm" />}
      {query.error !== null && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.isSuccess && items.length === 0 && <p className={classes.muted}>{t.noTools}</p>}
      {changed > 1 && (
        <div>
          <Button size="compact-sm" variant="default" onClick={() => setAsked('')}>
            {t.acceptAll(changed)}
          </Button>
        </div>
      )}
      <ul className={classes.toolList}>
        {items.map((tool) => (
          <Tool key={tool.name} tool={tool} accept={() => setAsked(tool.name)} />
        ))}
      </ul>
      {asked !== null && (
        <PinDialog
          title={t.acceptTitle}
          action={t.accept}
          error={accept.error}
          pending={accept.isPending}
          close={() => {
            accept.reset();
            setAsked(null);
          }}
          confirm={(pin) => accept.mutate({ name: server, pin, ...(asked === '' ? {} : { tool: asked }) })}
        >
          <p className={classes.flush}>
            <Visible>{asked === '' ? t.acceptAllText(server, changed) : t.acceptText(asked, server)}</Visible>
          </p>
        </PinDialog>
      )}
    </div>
  );
}

import { Loader } from '@mantine/core';
import { useApi } from '../../api/queries.ts';
import { Card, Empty, Failure, Page } from '../../components/page.tsx';
import { strings } from '../../strings.ts';
import { EMPTY, toDraft } from './connection-draft.ts';
import { ConnectionForm } from './connection-form.tsx';

const t = strings.connectionForm;

/** Adds (`id` null) or changes a connection. */
export function ConnectionFormScreen({ id }: { id: string | null }) {
  const query = useApi('connections', {});
  const title = id === null ? t.newTitle : t.editTitle(id);
  if (query.isPending) {
    return (
      <Page title={title}>
        <Loader size="sm" />
      </Page>
    );
  }
  if (query.data === undefined) {
    return (
      <Page title={title}>
        <Failure error={query.error} retry={() => void query.refetch()} />
      </Page>
    );
  }
  const before = query.data.items.find((item) => item.id === id) ?? null;
  return (
    <Page title={title}>
      {id !== null && before === null ? (
        <Card>
          <Empty title={t.missing(id)} hint={t.missingHint} />
        </Card>
      ) : (
        <ConnectionForm start={before === null ? EMPTY : toDraft(before)} before={before} />
      )}
    </Page>
  );
}

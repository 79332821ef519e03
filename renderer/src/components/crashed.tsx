import { Button } from '@mantine/core';
import { strings } from '../strings.ts';
import { Card, Empty, Page } from './page.tsx';

export function Crashed() {
  return (
    <Card>
      <Empty title={strings.errors.crashed} hint={strings.errors.unexpected}>
        <Button onClick={() => location.reload()}>{strings.errors.reload}</Button>
      </Empty>
    </Card>
  );
}

export function NotFound() {
  return (
    <Page title={strings.errors.notFound}>
      <p>{strings.errors.notFoundHint}</p>
    </Page>
  );
}

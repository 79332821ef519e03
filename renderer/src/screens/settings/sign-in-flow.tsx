import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { desktop } from '../../api/desktop.ts';
import { useApi } from '../../api/queries.ts';
import { CopyBlock } from '../../components/copy.tsx';
import { Failure } from '../../components/page.tsx';
import { Notice } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import classes from './settings-screen.module.css';

const t = strings.identity;
const POLL_MS = 1000;

/** An address that a provider gave is opened only where it is one of the web. */
const isWeb = (url: string): boolean => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);

interface Props {
  id: string;
  how: 'browser' | 'device';
  close(): void;
}

/** A sign-in that is under way: where to go, and what became of it. */
export function SignInFlow({ id, how, close }: Props) {
  const client = useQueryClient();
  const query = useApi('signInState', { id }, { refetchInterval: POLL_MS, staleTime: 0 });
  const view = query.data;
  const state = view?.state ?? 'waiting';
  useEffect(() => {
    if (state !== 'done') return;
    void client.invalidateQueries({ queryKey: ['identity'] });
    void client.invalidateQueries({ queryKey: ['status'] });
  }, [client, state]);
  const isWaiting = state === 'waiting' && query.error === null;
  return (
    <section className={classes.flow} aria-label={t.flow}>
      {query.error !== null && <Failure error={query.error} />}
      {view !== undefined && isWaiting && view.url !== null && (
        <>
          {view.userCode !== null && (
            <div>
              <div className={classes.hint}>{t.code}</div>
              <div className={classes.code}>
                <Visible>{view.userCode}</Visible>
              </div>
            </div>
          )}
          <p>{how === 'device' ? t.deviceHow : t.browserHow}</p>
          {desktop === null && isWeb(view.url) && (
            <div>
              <Button component="a" href={view.url} target="_blank" rel="noopener noreferrer">
                {t.open}
              </Button>
            </div>
          )}
          <CopyBlock label={t.address} text={view.url} />
          <p className={classes.hint} role="status">
            {t.waits}
          </p>
        </>
      )}
      {state !== 'waiting' && view !== undefined && (
        <Notice tone={state === 'done' ? 'good' : 'bad'} role={state === 'done' ? 'status' : 'alert'}>
          <Visible>{view.sentence}</Visible>
        </Notice>
      )}
      <div>
        <Button variant="default" size="compact-sm" onClick={close}>
          {isWaiting ? strings.cancel : strings.close}
        </Button>
      </div>
    </section>
  );
}

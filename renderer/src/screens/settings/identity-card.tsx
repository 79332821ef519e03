import { Button } from '@mantine/core';
import { useState } from 'react';
import type { IdentityView, ProviderConfig } from '../../../../gateway/contract/sign-in.ts';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { CommandBlock } from '../../components/command-block.tsx';
import { Card, Fact, Facts, Failure } from '../../components/page.tsx';
import { Notice, type Tone, ToneBadge } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { ago, timeOfDay } from '../../text/format.ts';
import classes from './settings-screen.module.css';
import { SignInFlow } from './sign-in-flow.tsx';

const t = strings.identity;
const EVERY_MS = 5000;

const TONES: Readonly<Record<IdentityView['state'], Tone>> = {
  local: 'quiet',
  'signed-in': 'good',
  offline: 'warn',
  'signed-out': 'bad',
};

function Provider({ provider, begin, busy }: { provider: ProviderConfig; begin: Begin; busy: boolean }) {
  return (
    <li className={classes.provider}>
      <div>
        <strong>
          <Visible>{provider.id}</Visible>
        </strong>
        <div className={classes.hint}>
          {provider.saml !== undefined && `${t.saml} · `}
          <Visible>{provider.issuer}</Visible>
        </div>
        {provider.allowedGroups.length > 0 && (
          <div className={classes.hint}>
            <Visible>{t.groupsOnly(provider.allowedGroups.join(', '))}</Visible>
          </div>
        )}
      </div>
      <div className={classes.buttons}>
        <Button size="sm" loading={busy} onClick={() => begin(provider.id, 'browser')}>
          {t.inBrowser}
        </Button>
        {provider.saml === undefined && (
          <Button size="sm" variant="default" disabled={busy} onClick={() => begin(provider.id, 'device')}>
            {t.byCode}
          </Button>
        )}
      </div>
    </li>
  );
}

type Begin = (provider: string, how: 'browser' | 'device') => void;

/** Whom agents act for: who vouches, until when, and the way in and out. */
export function IdentityCard() {
  const query = useApi('identity', {}, { refetchInterval: EVERY_MS });
  const begin = useApiMutation('signIn');
  const out = useApiMutation('signOut', ['identity', 'status', 'grants']);
  const [flow, setFlow] = useState<{ id: string; how: 'browser' | 'device' } | null>(null);
  const now = useNow(10_000);
  const view = query.data;
  const start: Begin = (provider, how) =>
    begin.mutate({ provider, how }, { onSuccess: ({ id }) => setFlow({ id, how }) });
  const isSaml = view?.providers.find(({ id }) => id === view.provider)?.saml !== undefined;
  const isIn = view?.state === 'signed-in' || view?.state === 'offline';
  return (
    <Card label={t.title} className={classes.stack ?? ''}>
      <h2 className={classes.title}>{t.title}</h2>
      {query.error !== null && view === undefined && <Failure error={query.error} />}
      {view !== undefined && (
        <>
          {view.state === 'signed-out' ? (
            <Notice tone="bad" role="alert">
              <strong>{t.states['signed-out']}:</strong> <Visible>{view.sentence}</Visible>. {t.wayIn}
            </Notice>
          ) : (
            <div>
              <ToneBadge tone={TONES[view.state]}>{t.states[view.state]}</ToneBadge>
            </div>
          )}
          <Facts>
            <Fact name={t.person}>
              <Visible>{view.identity.display}</Visible>
              {view.identity.groups.length > 0 && (
                <div className={classes.hint}>
                  <Visible>{t.groups(view.identity.groups.join(', '))}</Visible>
                </div>
              )}
            </Fact>
            {view.provider !== null && (
              <Fact name={t.vouches}>
                <Visible>{view.provider}</Visible>
                {view.confirmedAt !== null && <span className={classes.hint}> {ago(view.confirmedAt, now)}</span>}
              </Fact>
            )}
            {view.until !== null && (
              <Fact name={t.until}>{(isSaml ? t.untilEnd : t.untilHint)(timeOfDay(view.until, now))}</Fact>
            )}
            {view.state !== 'local' && <Fact name={t.device}>{view.bound ? t.bound : t.notBound}</Fact>}
          </Facts>
          {view.state !== 'signed-out' && view.sentence !== '' && (
            <Notice tone={view.state === 'offline' ? 'warn' : 'info'}>
              <Visible>{view.sentence}</Visible>
            </Notice>
          )}
          {flow !== null && <SignInFlow key={flow.id} id={flow.id} how={flow.how} close={() => setFlow(null)} />}
          {begin.error !== null && <Failure error={begin.error} />}
          {out.error !== null && <Failure error={out.error} />}
          {view.providers.length === 0 ? (
            <>
              <p className={classes.hint}>{t.noProvider}</p>
              <CommandBlock label={t.command} command={t.addCommand} />
            </>
          ) : (
            flow === null &&
            !isIn && (
              <ul className={classes.providers}>
                {view.providers.map((provider) => (
                  <Provider key={provider.id} provider={provider} begin={start} busy={begin.isPending} />
                ))}
              </ul>
            )
          )}
          {isIn && (
            <div className={classes.out}>
              <Button variant="default" loading={out.isPending} onClick={() => out.mutate({})}>
                {t.signOut}
              </Button>
              <div className={classes.hint}>{t.signOutHint}</div>
            </div>
          )}
          <p className={classes.by}>{strings.settings.decidedBy(t.by)}</p>
        </>
      )}
    </Card>
  );
}

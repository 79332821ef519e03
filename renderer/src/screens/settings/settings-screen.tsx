import { Button, Loader } from '@mantine/core';
import { useState } from 'react';
import { desktop } from '../../api/desktop.ts';
import { useApi } from '../../api/queries.ts';
import { Card, Failure, Page } from '../../components/page.tsx';
import { ToneBadge } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';
import { AboutCard } from './about-card.tsx';
import { AppCard } from './app-card.tsx';
import { AskingCard } from './asking-card.tsx';
import { ElsewhereCard } from './elsewhere-card.tsx';
import { EmergencyCard } from './emergency-card.tsx';
import { IdentityCard } from './identity-card.tsx';
import { LookCard } from './look-card.tsx';
import { Passkeys } from './passkeys.tsx';
import { PinForm } from './pin-form.tsx';
import { RolesCard } from './roles-card.tsx';
import classes from './settings-screen.module.css';

const t = strings.settings;

/** Its form is there at once while none is set: without a PIN nothing that destroys can be approved. */
function PinCard({ isSet }: { isSet: boolean }) {
  const [changes, setChanges] = useState(false);
  return (
    <Card label={t.pin}>
      <h2 className={classes.title}>{t.pin}</h2>
      {isSet && !changes ? (
        <div className={classes.setting}>
          <div className={classes.settingText}>
            <div>
              <ToneBadge tone="good">{t.pinSet}</ToneBadge>
            </div>
            <span className={classes.hint}>{t.pinWhat}</span>
            <span className={classes.by}>{t.decidedBy(t.byPinHolder)}</span>
          </div>
          <Button variant="default" onClick={() => setChanges(true)}>
            {t.pinChange}
          </Button>
        </div>
      ) : (
        <PinForm isSet={isSet} saved={() => setChanges(false)} />
      )}
    </Card>
  );
}

export function SettingsScreen() {
  const query = useApi('status', {});
  const status = query.data;
  if (status === undefined) {
    return <Page title={t.title}>{query.error === null ? <Loader size="sm" /> : <Failure error={query.error} />}</Page>;
  }
  return (
    <Page title={t.title} lead={t.lead}>
      <div className={classes.columns}>
        <div className={classes.column}>
          <IdentityCard />
          {/* A new form once the PIN is set, so that nothing typed stays behind. */}
          <PinCard key={String(status.pinSet)} isSet={status.pinSet} />
          <Card label={strings.passkeys.title}>
            <h2 className={classes.title}>{strings.passkeys.title}</h2>
            <Passkeys />
          </Card>
          <RolesCard />
          <EmergencyCard />
          <AskingCard status={status} />
          <LookCard />
          {desktop !== null && <AppCard bridge={desktop} />}
        </div>
        <div className={classes.column}>
          <ElsewhereCard status={status} />
          <AboutCard status={status} />
        </div>
      </div>
    </Page>
  );
}

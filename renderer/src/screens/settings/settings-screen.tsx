import { Code, Loader } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useApi } from '../../api/queries.ts';
import { LinkButton } from '../../components/link-button.tsx';
import { Card, Fact, Facts, Failure, Page } from '../../components/page.tsx';
import { Notice, ToneBadge } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { bytes, count } from '../../text/format.ts';
import { Passkeys } from './passkeys.tsx';
import { PinForm } from './pin-form.tsx';
import classes from './settings-screen.module.css';

const t = strings.settings;

export function SettingsScreen() {
  const query = useApi('status', {});
  const status = query.data;
  if (status === undefined) {
    return <Page title={t.title}>{query.error === null ? <Loader size="sm" /> : <Failure error={query.error} />}</Page>;
  }
  const isProtected = status.protection === 'protected';
  return (
    <Page title={t.title}>
      <div className={classes.grid}>
        <Card label={t.protection}>
          <h2 className={classes.title}>{t.protection}</h2>
          <Notice tone={isProtected ? 'good' : 'warn'}>
            <strong>{isProtected ? t.protectedTitle : t.unprotectedTitle}.</strong>{' '}
            {isProtected ? t.protectedText : t.unprotectedText}
          </Notice>
        </Card>
        <Card label={t.gateway}>
          <h2 className={classes.title}>{t.gateway}</h2>
          <Facts>
            <Fact name={t.version}>
              <Visible>{status.version}</Visible>
            </Fact>
            <Fact name={t.identity}>
              <Visible>{status.identity}</Visible>
              <div className={classes.hint}>{t.identityHint}</div>
            </Fact>
            <Fact name={t.listens}>
              <Code>
                <Visible>{`${status.postgres.host}:${status.postgres.port}`}</Visible>
              </Code>
            </Fact>
            <Fact name={t.openSessions}>
              <Link to="/sessions" search={{ state: 'open' }}>
                {count(status.openSessions)}
              </Link>
            </Fact>
            <Fact name={t.waiting}>
              <Link to="/approvals">{count(status.waiting)}</Link>
            </Fact>
          </Facts>
        </Card>
        <Card label={t.recorder}>
          <h2 className={classes.title}>{t.recorder}</h2>
          {status.recorder.ok ? (
            <ToneBadge tone="good">{t.recorderOk}</ToneBadge>
          ) : (
            <Notice tone="bad" role="alert">
              <strong>{t.recorderBad}.</strong> <Visible>{status.recorder.error ?? ''}</Visible>
            </Notice>
          )}
          <div className={classes.hint}>{t.recorded(bytes(status.recorder.bytes))}</div>
        </Card>
        <Card label={t.policy}>
          <h2 className={classes.title}>{t.policy}</h2>
          {status.policy.error === null ? (
            <ToneBadge tone="good">{t.policyOk}</ToneBadge>
          ) : (
            <Notice tone="bad" role="alert">
              <strong>{t.policyError}.</strong> <Visible>{status.policy.error}</Visible>
            </Notice>
          )}{' '}
          <Code title={status.policy.hash}>{status.policy.hash.slice(0, 16)}</Code>
          {status.policy.staged !== null && (
            <div className={classes.staged}>
              <ToneBadge tone="ask">{t.policyStaged}</ToneBadge>
              <LinkButton to="/policy" variant="default" size="compact-sm">
                {strings.nav.policy}
              </LinkButton>
            </div>
          )}
        </Card>
        <Card label={t.pin}>
          <h2 className={classes.title}>{t.pin}</h2>
          {/* A new form once the PIN is set, so that nothing typed stays behind. */}
          <PinForm key={String(status.pinSet)} isSet={status.pinSet} />
        </Card>
        <Card label={strings.passkeys.title}>
          <h2 className={classes.title}>{strings.passkeys.title}</h2>
          <Passkeys />
        </Card>
      </div>
    </Page>
  );
}

import { Button, PasswordInput, TextInput, VisuallyHidden } from '@mantine/core';
import { IconCheck, IconPlayerPauseFilled, IconX } from '@tabler/icons-react';
import { type KeyboardEvent, lazy, Suspense, useRef, useState } from 'react';
import { type Approval, type GrantScope, isStanding } from '../../../../gateway/contract/decision.ts';
import { canUsePasskeys } from '../../api/passkeys.ts';
import { useApi } from '../../api/queries.ts';
import { strings } from '../../strings.ts';
import { clock, timeOfDay } from '../../text/format.ts';
import { ConsoleLink } from '../console-link.tsx';
import { hasMod, Keys } from '../keys.tsx';
import { Failure } from '../page.tsx';
import { PIN_MIN } from '../pin-field.tsx';
import { Notice } from '../tone.tsx';
import { useNow } from '../use-now.ts';
import { Visible } from '../visible.tsx';
import classes from './approval-actions.module.css';
import { limitsProblem } from './limits.ts';
import { limitsStrings } from './limits-strings.ts';
import { PasskeyElsewhere } from './passkey-elsewhere.tsx';
import { ScopeMenu } from './scope-menu.tsx';
import { scopeLabel, scopeSentence, widerScopes } from './scopes.ts';
import type { Attention } from './use-attention.ts';
import { useDecide } from './use-decide.tsx';
import { useDecisionKeys, useGuard } from './use-guard.ts';

const LimitsForm = lazy(() => import('./limits-form.tsx'));

const t = strings.approvals;
const SOON_MS = 60_000;

interface Props {
  approval: Approval;
  attention: Attention;
  /** For a narrow window: fewer words, keys below the buttons. */
  compact: boolean;
  onDecided(id: string): void;
}

/** The countdown stands on the button that will fire; it stands still while somebody deals with the card. */
export function ApprovalActions({ approval, attention, compact, onDecided }: Props) {
  const { verdict, operation } = approval;
  const status = useApi('status', {});
  const ready = useGuard();
  const now = useNow(1000);
  const [pin, setPin] = useState('');
  const [message, setMessage] = useState('');
  const [scope, setScope] = useState<GrantScope>({ kind: 'once' });
  const pinField = useRef<HTMLInputElement>(null);

  const pinSet = status.data?.pinSet ?? true;
  const needsPin = verdict.level === 'pin' || isStanding(scope);
  const needsPasskey = verdict.level === 'passkey';
  const passkeys = useApi('passkeys', {}, { enabled: needsPasskey });
  const approvable = needsPasskey
    ? canUsePasskeys(passkeys.data?.origin ?? null)
    : !needsPin || (pinSet && pin.length >= PIN_MIN);
  const decide = useDecide(approval, onDecided, () => {
    setPin('');
    if (needsPin) pinField.current?.focus();
  });
  // The guard refuses without greying the buttons out: they do not change under the eye.
  const problem = limitsProblem(scope, approval);
  const busy = decide.pending || !ready;

  const answer = { scope, pin: needsPin ? pin : '', message: message.trim(), byPasskey: needsPasskey };
  const approve = () => {
    if (busy || problem !== null) return;
    if (approvable) void decide.send({ ...answer, decision: 'approve' });
    else if (needsPin) pinField.current?.focus();
  };
  const deny = () => {
    if (!busy) void decide.send({ ...answer, decision: 'deny' });
  };
  useDecisionKeys(ready, { approve, deny }, hasMod);

  // Plain Enter never approves, wherever the focus is.
  const noEnter = (event: KeyboardEvent) => {
    if (event.key === 'Enter') event.preventDefault();
  };
  const left = Date.parse(approval.expiresAt) - now;
  const soon = !attention.attended && left < SOON_MS;
  const latest = timeOfDay(approval.latestAt, now).replace(/:\d\d$/, '');
  const label = (name: string, placeholder = '') =>
    compact ? { 'aria-label': name, placeholder: name } : { label: name, placeholder };
  const size = compact ? 'sm' : 'md';
  const denyKeys = <Keys keys={['mod', 'Backspace']} />;
  const approveKeys = <Keys keys={['mod', 'Enter']} />;
  const grantable = widerScopes(approval).length > 0;

  return (
    <div className={classes.actions} data-compact={compact || undefined}>
      {decide.error !== null && <Failure error={decide.error} />}
      {needsPasskey && !approvable && <PasskeyElsewhere origin={passkeys.data?.origin} />}
      {needsPin && !pinSet && (
        <Notice tone="warn">
          {t.pinMissing} <ConsoleLink to="/settings">{t.pinMissingLink}</ConsoleLink>
        </Notice>
      )}
      <div className={classes.fields}>
        {needsPin && pinSet && (
          <PasswordInput
            ref={pinField}
            className={classes.pin}
            {...label(t.pin)}
            value={pin}
            onChange={(event) => setPin(event.currentTarget.value)}
            onKeyDown={noEnter}
            autoComplete="off"
            maxLength={64}
          />
        )}
        <TextInput
          className={classes.message}
          {...label(compact ? t.messageShort : t.message, t.messagePlaceholder)}
          value={message}
          onChange={(event) => setMessage(event.currentTarget.value)}
          onKeyDown={noEnter}
          maxLength={500}
          autoComplete="off"
        />
      </div>
      {(scope.kind === 'session' || scope.kind === 'conversation') && scope.reach === 'pattern' && (
        <Suspense fallback={null}>
          <LimitsForm approval={approval} scope={scope} choose={setScope} />
        </Suspense>
      )}
      <div className={classes.buttons}>
        <Button
          className={classes.deny}
          variant="default"
          size={size}
          disabled={decide.pending}
          aria-disabled={!ready}
          onClick={deny}
          leftSection={<IconX size={18} />}
          rightSection={compact ? undefined : denyKeys}
          aria-keyshortcuts="Control+Backspace Meta+Backspace"
        >
          {t.deny}
          {attention.attended ? (
            <span className={classes.clock} data-still>
              <IconPlayerPauseFilled size={13} aria-label={t.timerStands} />
            </span>
          ) : (
            <span
              className={classes.clock}
              role="timer"
              aria-label={t.timer(clock(left))}
              data-soon={soon || undefined}
            >
              {clock(left)}
            </span>
          )}
        </Button>
        <div className={classes.split}>
          <Button
            className={classes.approve}
            size={size}
            disabled={decide.pending || !approvable || problem !== null}
            aria-disabled={!ready}
            onClick={approve}
            onKeyDown={noEnter}
            leftSection={<IconCheck size={18} />}
            rightSection={compact ? undefined : approveKeys}
            aria-keyshortcuts="Control+Enter Meta+Enter"
            data-grantable={grantable || undefined}
          >
            {needsPasskey ? strings.passkeys.approve : scopeLabel(scope)}
          </Button>
          {grantable && (
            <ScopeMenu approval={approval} scope={scope} size={size} choose={setScope} disabled={decide.pending} />
          )}
        </div>
      </div>
      <div className={classes.note}>
        {compact ? denyKeys : <span>{attention.attended ? t.waitsForYou(latest) : t.denyNote}</span>}
        <Button
          variant="subtle"
          size="compact-xs"
          disabled={!attention.extendable}
          onClick={() => {
            attention.sign();
            attention.extend();
          }}
        >
          {t.moreTime}
        </Button>
        {compact && approveKeys}
        <VisuallyHidden aria-live="polite">{soon ? t.soon : ''}</VisuallyHidden>
      </div>
      {scope.kind !== 'once' && (
        <div className={classes.foot}>
          <Visible>{problem === null ? scopeSentence(scope, approval) : limitsStrings.refused(problem)}</Visible>{' '}
          {scope.reach === 'shape' && (
            <>
              {t.scopeShape}{' '}
              <code className={classes.shape}>
                <Visible>{operation.effects.shape}</Visible>
              </code>
              .{' '}
            </>
          )}
          {!isStanding(scope) && t.scopeLeaves} {t.scopeEnds}
        </div>
      )}
    </div>
  );
}

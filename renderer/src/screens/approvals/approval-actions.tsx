import { Anchor, Button, Menu, PasswordInput, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconCheck, IconChevronDown, IconX } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type KeyboardEvent, useRef, useState } from 'react';
import type { Approval, GrantScope } from '../../../../gateway/contract/decision.ts';
import { applyEvent } from '../../api/events.ts';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { hasMod, Keys } from '../../components/keys.tsx';
import { Failure } from '../../components/page.tsx';
import { PIN_MIN } from '../../components/pin-field.tsx';
import { Notice } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { clock } from '../../text/format.ts';
import { operationPlace } from '../../text/operation-line.ts';
import classes from './approval-actions.module.css';
import { useDecisionKeys, useGuard } from './use-guard.ts';

const t = strings.approvals;
const GRANT_MINUTES = 15;

const SCOPES: readonly GrantScope[] = [
  { kind: 'once' },
  { kind: 'minutes', minutes: GRANT_MINUTES },
  { kind: 'session' },
];

function scopeLabel(scope: GrantScope): string {
  return scope.kind === 'once'
    ? t.approve
    : scope.kind === 'minutes'
      ? t.approveMinutes(scope.minutes)
      : t.approveSession;
}

/** A wider scope as the sentence that it will be. */
function scopeSentence(scope: GrantScope, approval: Approval): string {
  const { operation } = approval;
  const where = operationPlace(operation);
  if (scope.kind === 'once') return t.scopeOnce;
  return scope.kind === 'minutes'
    ? t.scopeMinutes(operation.identity.display, where, scope.minutes)
    : t.scopeSession(operation.identity.display, where);
}

export function ApprovalActions({ approval, onDecided }: { approval: Approval; onDecided(id: string): void }) {
  const { verdict, operation } = approval;
  const client = useQueryClient();
  const status = useApi('status', {});
  const decide = useApiMutation('decide', ['grants']);
  const ready = useGuard();
  const now = useNow(1000);
  const [pin, setPin] = useState('');
  const [message, setMessage] = useState('');
  const [scope, setScope] = useState<GrantScope>({ kind: 'once' });
  const pinField = useRef<HTMLInputElement>(null);

  const pinSet = status.data?.pinSet ?? true;
  const needsPin = verdict.level === 'pin';
  const left = Date.parse(approval.expiresAt) - now;
  const approvable = verdict.level !== 'passkey' && (!needsPin || (pinSet && pin.length >= PIN_MIN));
  // The guard refuses without greying the buttons out: they do not change under the eye.
  const busy = decide.isPending || !ready;

  // Not through mutate's callbacks: the event of the decision may come before the answer and take this
  // component away, and they would be dropped.
  const send = async (decision: 'approve' | 'deny') => {
    try {
      const decided = await decide.mutateAsync({
        id: approval.id,
        digest: operation.digest,
        decision,
        scope: decision === 'approve' ? scope : { kind: 'once' },
        ...(decision === 'approve' && needsPin ? { pin } : {}),
        ...(decision === 'deny' && message.trim() !== '' ? { message: message.trim() } : {}),
      });
      applyEvent(client, { type: 'approval', approval: decided });
      const approved = decided.state === 'approved';
      notifications.show({
        message: approved ? (scope.kind === 'once' ? t.approvedToast : t.grantedToast) : t.deniedToast,
        icon: approved ? <IconCheck size={16} /> : <IconX size={16} />,
        color: approved ? 'green' : 'red',
      });
      onDecided(approval.id);
    } catch {
      // What went wrong is in decide.error, above the buttons.
      setPin('');
      if (needsPin && decision === 'approve') pinField.current?.focus();
    }
  };
  const approve = () => {
    if (busy) return;
    if (approvable) void send('approve');
    else if (needsPin) pinField.current?.focus();
  };
  const deny = () => {
    if (!busy) void send('deny');
  };
  useDecisionKeys(ready, { approve, deny }, hasMod);

  // Plain Enter never approves, wherever the focus is.
  const noEnter = (event: KeyboardEvent) => {
    if (event.key === 'Enter') event.preventDefault();
  };

  return (
    <div className={classes.actions}>
      {decide.error !== null && <Failure error={decide.error} />}
      {verdict.level === 'passkey' && <Notice tone="warn">{t.passkeyMissing}</Notice>}
      {needsPin && !pinSet && (
        <Notice tone="warn">
          {t.pinMissing}{' '}
          <Anchor component={Link} to="/settings" fz="inherit">
            {t.pinMissingLink}
          </Anchor>
        </Notice>
      )}
      <div className={classes.fields}>
        {needsPin && pinSet && (
          <PasswordInput
            ref={pinField}
            className={classes.pin}
            label={t.pin}
            value={pin}
            onChange={(event) => setPin(event.currentTarget.value)}
            onKeyDown={noEnter}
            autoComplete="off"
            maxLength={64}
          />
        )}
        <TextInput
          className={classes.message}
          label={t.message}
          placeholder={t.messagePlaceholder}
          value={message}
          onChange={(event) => setMessage(event.currentTarget.value)}
          onKeyDown={noEnter}
          maxLength={500}
          autoComplete="off"
        />
      </div>
      <div className={classes.buttons}>
        <Button
          className={classes.deny}
          variant="default"
          size="md"
          disabled={decide.isPending}
          aria-disabled={!ready}
          onClick={deny}
          leftSection={<IconX size={18} />}
          rightSection={<Keys keys={['mod', 'Backspace']} />}
          aria-keyshortcuts="Control+Backspace Meta+Backspace"
        >
          {t.deny}
          <span className={classes.clock} role="timer" aria-label={t.timer(clock(left))}>
            {clock(left)}
          </span>
        </Button>
        <span className={classes.note}>{t.denyNote}</span>
        <div className={classes.split}>
          <Button
            className={classes.approve}
            size="md"
            disabled={decide.isPending || !approvable}
            aria-disabled={!ready}
            onClick={approve}
            onKeyDown={noEnter}
            leftSection={<IconCheck size={18} />}
            rightSection={<Keys keys={['mod', 'Enter']} />}
            aria-keyshortcuts="Control+Enter Meta+Enter"
            data-grantable={verdict.grantable || undefined}
          >
            {scopeLabel(scope)}
          </Button>
          {verdict.grantable && (
            <Menu position="top-end" width={340} withinPortal>
              <Menu.Target>
                <Button
                  className={classes.more}
                  size="md"
                  px={10}
                  aria-label={t.approveMore}
                  disabled={decide.isPending}
                >
                  <IconChevronDown size={18} />
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Label>{t.scopeIntro}</Menu.Label>
                {SCOPES.map((candidate) => (
                  <Menu.RadioItem
                    key={candidate.kind}
                    value={candidate.kind}
                    checked={candidate.kind === scope.kind}
                    onChange={() => setScope(candidate)}
                    closeMenuOnClick
                  >
                    <span className={classes.scopeName}>{scopeLabel(candidate)}</span>
                    <span className={classes.scopeText}>
                      <Visible>{scopeSentence(candidate, approval)}</Visible>
                    </span>
                  </Menu.RadioItem>
                ))}
              </Menu.Dropdown>
            </Menu>
          )}
        </div>
      </div>
      {scope.kind !== 'once' && (
        <div className={classes.foot}>
          <Visible>{scopeSentence(scope, approval)}</Visible> {t.scopeShape}{' '}
          <code className={classes.shape}>
            <Visible>{operation.effects.shape}</Visible>
          </code>
          . {t.scopeEnds}
        </div>
      )}
    </div>
  );
}

import { Button, Loader, Modal, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlayerPause, IconPlayerPlay, IconRefresh } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';
import { KEEPING_KINDS, type SyncStatus } from '../../../../gateway/contract/sync.ts';
import { useApiMutation } from '../../api/queries.ts';
import { CommandBlock } from '../../components/command-block.tsx';
import { Card, Fact, Facts, Failure } from '../../components/page.tsx';
import { PIN_MIN, PinField } from '../../components/pin-field.tsx';
import { Notice, type Tone, ToneBadge } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { bytes, count, span, timeOfDay } from '../../text/format.ts';
import classes from './evidence-screen.module.css';

const t = strings.evidence;
const TONES: Readonly<Record<SyncStatus['state'], Tone>> = {
  off: 'warn',
  paused: 'late',
  blocked: 'bad',
  failing: 'bad',
  sending: 'info',
  'up-to-date': 'good',
};

function Pause() {
  const [opened, dialog] = useDisclosure(false);
  const [pin, setPin] = useState('');
  const pause = useApiMutation('pauseSync', ['syncStatus'], dialog.close);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (pin.length < PIN_MIN) return;
    pause.mutate({ pin });
    setPin('');
  };
  return (
    <>
      <Button variant="default" leftSection={<IconPlayerPause size={16} />} onClick={dialog.open}>
        {t.pause}
      </Button>
      <Modal
        opened={opened}
        onClose={dialog.close}
        title={t.pauseTitle}
        closeButtonProps={{ 'aria-label': strings.close }}
      >
        <form onSubmit={submit}>
          <Text mb="sm">{t.pauseWhy}</Text>
          <PinField value={pin} onChange={setPin} data-autofocus />
          {pause.error !== null && <Failure error={pause.error} />}
          <div className={classes.actions}>
            <Button variant="default" onClick={dialog.close}>
              {strings.cancel}
            </Button>
            <Button type="submit" loading={pause.isPending} disabled={pin.length < PIN_MIN}>
              {t.pause}
            </Button>
          </div>
        </form>
      </Modal>
    </>
  );
}

function Actions({ state }: { state: SyncStatus['state'] }) {
  const now = useApiMutation('syncNow', ['syncStatus']);
  const resume = useApiMutation('resumeSync', ['syncStatus']);
  const error = now.error ?? resume.error;
  return (
    <>
      <div className={classes.actions}>
        {state === 'paused' ? (
          <Button
            leftSection={<IconPlayerPlay size={16} />}
            loading={resume.isPending}
            onClick={() => resume.mutate({})}
          >
            {t.resume}
          </Button>
        ) : (
          <>
            <Button
              variant="default"
              leftSection={<IconRefresh size={16} />}
              loading={now.isPending}
              onClick={() => now.mutate({})}
            >
              {t.tryNow}
            </Button>
            <Pause />
          </>
        )}
      </div>
      {error !== null && <Failure error={error} />}
    </>
  );
}

function SyncFacts({ sync }: { sync: SyncStatus }) {
  const now = useNow(1000);
  const { queue, confirmed, disk, encryption, oldestWaiting } = sync;
  const waits = queue.bytes > 0 || queue.objects > 0;
  return (
    <Facts>
      <Fact name={t.target}>
        <Visible>{sync.target ?? strings.none}</Visible>
      </Fact>
      <Fact name={t.encryption}>{encryption.on ? t.encrypted(encryption.recipients) : t.notEncrypted}</Fact>
      <Fact name={t.waiting}>
        {waits ? t.waitingText(bytes(queue.bytes), queue.sessions, queue.objects) : t.nothingWaits}
      </Fact>
      <Fact name={t.rate}>{sync.rate > 0 ? `${bytes(sync.rate)}/s` : t.idle}</Fact>
      <Fact name={t.oldest}>{oldestWaiting === null ? '–' : span(now - Date.parse(oldestWaiting))}</Fact>
      <Fact name={t.confirmed}>
        {t.confirmedText(confirmed.objects, bytes(confirmed.bytes))}
        {confirmed.at !== null && <span className={classes.muted}> · {timeOfDay(confirmed.at, now)}</span>}
      </Fact>
      {sync.localSessions > 0 && <Fact name={t.local}>{strings.sessions.total(sync.localSessions)}</Fact>}
      {KEEPING_KINDS.filter((kind) => sync.keeping[kind] !== 'all').map((kind) => (
        <Fact key={kind} name={t.keepingKinds[kind]}>
          {t.keeping[sync.keeping[kind]]}
        </Fact>
      ))}
      <Fact name={t.disk}>
        {disk.budget === null ? bytes(disk.bytes) : t.diskOf(bytes(disk.bytes), bytes(disk.budget))}
      </Fact>
    </Facts>
  );
}

/** How far what was recorded has come, and what stops it. */
export function SyncCard({ sync }: { sync: SyncStatus | undefined }) {
  const now = useNow(60_000);
  return (
    <Card label={t.sync} className={classes.card ?? ''}>
      <div className={classes.head}>
        <h2 className={classes.title}>{t.sync}</h2>
        {sync !== undefined && <ToneBadge tone={TONES[sync.state]}>{t.syncStates[sync.state]}</ToneBadge>}
      </div>
      {sync === undefined ? (
        <Loader size="sm" />
      ) : sync.state === 'off' ? (
        <>
          <p className={classes.hint}>{t.syncOff}</p>
          <CommandBlock label={t.command} command={t.syncCommand} />
        </>
      ) : (
        <>
          {sync.lastError !== null && (
            <Notice tone="bad">
              <strong>{t.lastError}:</strong> <Visible>{sync.lastError.sentence}</Visible>{' '}
              <span className={classes.muted}>{timeOfDay(sync.lastError.at, now)}</span>
            </Notice>
          )}
          {sync.findings.map(({ at, sentence }) => (
            <Notice key={`${at} ${sentence}`} tone="warn">
              <Visible>{sentence}</Visible> {at !== null && <span className={classes.muted}>{timeOfDay(at, now)}</span>}
            </Notice>
          ))}
          <SyncFacts sync={sync} />
          {sync.capabilities !== null && sync.capabilities.sentences.length > 0 && (
            <details>
              <summary>
                {t.store} ({count(sync.capabilities.sentences.length)})
              </summary>
              <ul>
                {sync.capabilities.sentences.map((sentence) => (
                  <li key={sentence}>
                    <Visible>{sentence}</Visible>
                  </li>
                ))}
              </ul>
            </details>
          )}
          <Actions state={sync.state} />
        </>
      )}
    </Card>
  );
}

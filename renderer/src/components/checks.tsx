import { Modal, UnstyledButton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import type { Verification } from '../../../gateway/contract/session.ts';
import { strings } from '../strings.ts';
import classes from './checks.module.css';
import { type Tone, ToneBadge, ToneIcon } from './tone.tsx';
import { Visible } from './visible.tsx';

type Check = Verification['checks'][number];
const t = strings.verification;
const TONES: Readonly<Record<Check['status'], Tone>> = { ok: 'good', failed: 'bad', 'not-checked': 'quiet' };
const ORDER: Readonly<Record<Check['status'], number>> = { failed: 0, 'not-checked': 1, ok: 2 };

/** Every check with its sentence, what does not hold first. */
export function Checks({ checks }: { checks: readonly Check[] }) {
  return (
    <ul className={classes.checks}>
      {checks
        .toSorted((a, b) => ORDER[a.status] - ORDER[b.status])
        .map((check, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: names may repeat, and a verification never changes.
          <li key={index}>
            <ToneIcon tone={TONES[check.status]} size={18} />
            <span>
              <strong>
                {t.status[check.status]}: <Visible>{check.name}</Visible>
              </strong>
              <br />
              <Visible>{check.sentence}</Visible>
            </span>
          </li>
        ))}
    </ul>
  );
}

interface Props {
  tone: Tone;
  word: string;
  title?: string;
  /** Above the checks. */
  children?: ReactNode;
  checks: readonly Check[];
}

/** A badge whose click says why. */
export function ChecksBadge({ tone, word, title = t.title, checks, children }: Props) {
  const [opened, dialog] = useDisclosure(false);
  return (
    <>
      <UnstyledButton className={classes.badge} onClick={dialog.open} aria-label={`${word}. ${t.open}`}>
        <ToneBadge tone={tone}>{word}</ToneBadge>
      </UnstyledButton>
      <Modal
        opened={opened}
        onClose={dialog.close}
        title={title}
        size="lg"
        closeButtonProps={{ 'aria-label': strings.close }}
      >
        <div className={classes.body}>
          {children}
          <Checks checks={checks} />
        </div>
      </Modal>
    </>
  );
}

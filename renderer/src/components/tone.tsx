import {
  IconAlertTriangle,
  IconBan,
  IconCircleCheck,
  IconCircleDashed,
  IconClock,
  IconEye,
  IconHandStop,
  IconInfoCircle,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './tone.module.css';

/** A tone is a colour with a shape of its own; the word beside it is the caller's. */
export type Tone = 'good' | 'ask' | 'bad' | 'late' | 'info' | 'quiet' | 'watch' | 'warn';

const ICONS: Readonly<Record<Tone, typeof IconBan>> = {
  good: IconCircleCheck,
  ask: IconHandStop,
  bad: IconBan,
  late: IconClock,
  info: IconInfoCircle,
  quiet: IconCircleDashed,
  watch: IconEye,
  warn: IconAlertTriangle,
};

export function ToneIcon({ tone, size = 16 }: { tone: Tone; size?: number }) {
  const Icon = ICONS[tone];
  return <Icon size={size} className={classes[tone]} aria-hidden stroke={2} />;
}

/** A word in its tone, as a pill. */
export function ToneBadge({ tone, children, title }: { tone: Tone; children: ReactNode; title?: string }) {
  return (
    <span className={`${classes.badge} ${classes[`${tone}Badge`] ?? ''}`} title={title}>
      <ToneIcon tone={tone} size={14} />
      <span>{children}</span>
    </span>
  );
}

/** A sentence that must be seen, across the width. */
export function Notice({ tone, children, role }: { tone: Tone; children: ReactNode; role?: 'alert' | 'status' }) {
  return (
    <div className={`${classes.notice} ${classes[`${tone}Badge`] ?? ''}`} role={role}>
      <ToneIcon tone={tone} size={18} />
      <div className={classes.noticeText}>{children}</div>
    </div>
  );
}

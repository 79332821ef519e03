import type { IdentityView } from '../../../../gateway/contract/sign-in.ts';
import type { GatewayStatus } from '../../../../gateway/contract/status.ts';
import type { SyncStatus } from '../../../../gateway/contract/sync.ts';
import type { Tone } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';

const t = strings.home.health;

export interface HealthRow {
  name: string;
  tone: Tone;
  word: string;
  /** Text from outside; may be empty. */
  detail: string;
  to: '/settings' | '/policy' | '/evidence';
}

const SYNC_TONE: Readonly<Record<SyncStatus['state'], Tone>> = {
  off: 'quiet',
  paused: 'watch',
  blocked: 'bad',
  failing: 'warn',
  sending: 'info',
  'up-to-date': 'good',
};

const IDENTITY: Readonly<Record<IdentityView['state'], Pick<HealthRow, 'tone' | 'word'>>> = {
  local: { tone: 'info', word: t.local },
  'signed-in': { tone: 'good', word: t.signedIn },
  offline: { tone: 'warn', word: t.offline },
  'signed-out': { tone: 'bad', word: t.signedOut },
};

/** How everything that the promises rest on is, in an order that stays. */
export function healthOf(
  status: GatewayStatus,
  sync: SyncStatus | undefined,
  whose?: IdentityView | undefined,
): HealthRow[] {
  const { recorder, policy, protection, notifications, device, pinSet, identity } = status;
  const isProtected = protection === 'protected';
  return [
    {
      name: t.recorder,
      tone: recorder.ok ? 'good' : 'bad',
      word: recorder.ok ? t.works : t.fails,
      detail: recorder.error ?? '',
      to: '/settings',
    },
    {
      name: t.policy,
      tone: policy.error === null ? 'good' : 'bad',
      word: policy.error === null ? t.inForce : t.broken,
      detail: policy.hash.slice(0, 12),
      to: '/policy',
    },
    {
      name: t.mode,
      tone: isProtected ? 'good' : 'warn',
      word: isProtected ? strings.header.protected : strings.header.unprotected,
      detail: isProtected ? t.protectedText : t.unprotectedText,
      to: '/settings',
    },
    { name: t.identity, ...IDENTITY[whose?.state ?? 'local'], detail: identity, to: '/settings' },
    {
      name: t.sync,
      tone: sync === undefined ? 'quiet' : SYNC_TONE[sync.state],
      word: sync === undefined ? strings.unknown : strings.evidence.syncStates[sync.state],
      detail: sync?.target ?? '',
      to: '/evidence',
    },
    {
      name: t.device,
      tone: device.problem !== null ? 'bad' : device.org === null ? 'quiet' : 'good',
      word: device.problem !== null ? t.fails : device.org === null ? t.alone : t.enrolled,
      detail: device.problem ?? device.org ?? '',
      to: '/evidence',
    },
    {
      name: t.notifications,
      tone: notifications.ok ? 'good' : 'quiet',
      word: notifications.ok ? t.shown : t.notShown,
      detail: notifications.sentence,
      to: '/settings',
    },
    {
      name: t.pin,
      tone: pinSet ? 'good' : 'warn',
      word: pinSet ? t.set : t.notSet,
      detail: '',
      to: '/settings',
    },
  ];
}

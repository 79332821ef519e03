import type { OperationClass } from '../../../gateway/contract/operation.ts';
import { strings } from '../strings.ts';
import { type Tone, ToneBadge } from './tone.tsx';

const TONES: Readonly<Record<OperationClass, Tone>> = {
  session: 'quiet',
  read: 'info',
  write: 'ask',
  network: 'ask',
  'secret-read': 'warn',
  destructive: 'bad',
  privilege: 'warn',
  execute: 'warn',
  unknown: 'warn',
};

export function ClassBadge({ value }: { value: OperationClass }) {
  return <ToneBadge tone={TONES[value]}>{strings.classes[value]}</ToneBadge>;
}

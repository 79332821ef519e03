import type { Approval } from '../../../../gateway/contract/decision.ts';
import type { Tone } from '../tone.tsx';

/** How a request ended, as a tone. */
export const END_TONE: Readonly<Record<Approval['state'], Tone>> = {
  waiting: 'ask',
  approved: 'good',
  denied: 'bad',
  expired: 'late',
  withdrawn: 'quiet',
};

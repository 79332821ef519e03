import type { Statement } from '../../../../gateway/contract/session.ts';
import { type Tone, ToneBadge, ToneIcon } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';

const TONES: Readonly<Record<Statement['verdict'], Tone>> = {
  allowed: 'quiet',
  'asked-approved': 'good',
  'asked-denied': 'bad',
  'asked-expired': 'late',
  denied: 'bad',
  observed: 'watch',
};

export function VerdictBadge({ verdict }: { verdict: Statement['verdict'] }) {
  return <ToneBadge tone={TONES[verdict]}>{strings.session.verdicts[verdict]}</ToneBadge>;
}

export function VerdictIcon({ statement }: { statement: Statement }) {
  const failed = statement.error !== null && statement.verdict === 'allowed';
  return <ToneIcon tone={failed ? 'warn' : TONES[statement.verdict]} size={17} />;
}

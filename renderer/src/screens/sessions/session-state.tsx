import type { Session } from '../../../../gateway/contract/session.ts';
import { type Tone, ToneBadge } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';
import { count } from '../../text/format.ts';
import classes from './session-state.module.css';

const TONES: Readonly<Record<Session['state'], Tone>> = { open: 'good', closed: 'quiet', incomplete: 'warn' };

export function SessionStateBadge({ state }: { state: Session['state'] }) {
  return <ToneBadge tone={TONES[state]}>{strings.sessions.states[state]}</ToneBadge>;
}

/** "2 asked, 1 denied": words with their counts, only those that are there. */
export function Findings({ session, none = '–' }: { session: Session; none?: string }) {
  const t = strings.session;
  const parts = [
    { n: session.asked, word: t.asked, className: classes.asked },
    { n: session.denied, word: t.denied, className: classes.denied },
    { n: session.errors, word: t.errors(session.errors), className: classes.errors },
  ].filter((part) => part.n > 0);
  if (parts.length === 0) return <span className={classes.none}>{none}</span>;
  return (
    <span className={classes.findings}>
      {parts.map((part) => (
        <span key={part.word} className={part.className}>
          {count(part.n)} {part.word}
        </span>
      ))}
    </span>
  );
}

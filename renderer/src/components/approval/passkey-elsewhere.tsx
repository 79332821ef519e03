import { strings } from '../../strings.ts';
import { Notice } from '../tone.tsx';

const t = strings.passkeys;

/** Where passkeys can be used, for pages that are not there. @param origin undefined: not known yet; null: nowhere. */
export function PasskeyElsewhere({ origin }: { origin: string | null | undefined }) {
  if (origin === undefined) return null;
  if (origin === null) return <Notice tone="warn">{t.nowhere}</Notice>;
  const address = `${origin}${location.pathname.startsWith('/approvals') ? location.pathname : '/approvals'}`;
  return (
    <Notice tone="info">
      {t.open}{' '}
      <a href={address} target="_blank" rel="noreferrer">
        {address}
      </a>
    </Notice>
  );
}

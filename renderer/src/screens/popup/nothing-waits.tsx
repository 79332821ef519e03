import { Button } from '@mantine/core';
import { useMissed } from '../../components/approval/use-missed.ts';
import { OperationText } from '../../components/operation-text.tsx';
import { ToneIcon } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { ago } from '../../text/format.ts';
import { operationLine } from '../../text/operation-line.ts';
import classes from './popup-screen.module.css';

const t = strings.popup;
const SHOWN = 5;

/** All is decided; what nobody decided in time is told here. */
export function NothingWaits() {
  const { missed, seen } = useMissed();
  const now = useNow(30_000);
  if (missed.length === 0) {
    return (
      <div className={classes.nothing}>
        <ToneIcon tone="good" size={30} />
        <h2>{strings.approvals.emptyTitle}</h2>
        <p>{t.emptyHint}</p>
      </div>
    );
  }
  return (
    <section className={classes.missed} aria-labelledby="missed">
      <h2 id="missed">{strings.approvals.missed}</h2>
      <p>{strings.approvals.missedHint}</p>
      <ul>
        {missed.slice(0, SHOWN).map((approval) => {
          const line = operationLine(approval.operation);
          return (
            <li key={approval.id}>
              <span className={classes.missedLine}>
                <strong>
                  <Visible>{`${line.what} → ${line.where}`}</Visible>
                </strong>
                <span>{ago(approval.decidedAt ?? approval.expiresAt, now)}</span>
              </span>
              <OperationText operation={approval.operation} line />
            </li>
          );
        })}
      </ul>
      {missed.length > SHOWN && <p>{t.moreMissed(missed.length - SHOWN)}</p>}
      <Button variant="default" size="sm" onClick={seen}>
        {t.seen}
      </Button>
    </section>
  );
}

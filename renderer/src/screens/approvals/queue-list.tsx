import type { Approval } from '../../../../gateway/contract/decision.ts';
import { OperationText } from '../../components/operation-text.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { clock } from '../../text/format.ts';
import { operationLine } from '../../text/operation-line.ts';
import classes from './lists.module.css';

const t = strings.approvals;

/** Those that wait, oldest first; new ones come at the end. */
export function QueueList({
  items,
  shownId,
  show,
}: {
  items: readonly Approval[];
  shownId: string | null;
  show(id: string): void;
}) {
  const now = useNow(1000);
  return (
    <section aria-label={t.queue}>
      <h2 className={classes.title}>
        {t.queue} <span className={classes.hint}>{t.queueHint}</span>
      </h2>
      <ol className={classes.list}>
        {items.map((approval) => {
          const line = operationLine(approval.operation);
          return (
            <li key={approval.id}>
              <button
                type="button"
                className={classes.item}
                aria-current={approval.id === shownId}
                onClick={() => show(approval.id)}
              >
                <span className={classes.itemHead}>
                  <strong>
                    <Visible>{line.what}</Visible>
                  </strong>
                  <span className={classes.clock}>{clock(Date.parse(approval.expiresAt) - now)}</span>
                </span>
                <span className={classes.itemWhere}>
                  <Visible>{line.where}</Visible>
                </span>
                <OperationText operation={approval.operation} line />
              </button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

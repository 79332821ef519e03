import type { Statement } from '../../../../../gateway/contract/session.ts';
import { Sql } from '../../../components/sql.tsx';
import { strings } from '../../../strings.ts';
import { ResultTable } from '../result-table.tsx';
import classes from '../statement-detail.module.css';
import type { Painter } from './painter.ts';

const t = strings.session;

function Result({ statement }: { statement: Statement }) {
  if (statement.columns.length === 0) return null;
  return (
    <section>
      <h3 className={classes.subtitle}>{t.result}</h3>
      <ResultTable key={statement.index} sessionId={statement.sessionId} index={statement.index} />
    </section>
  );
}

export const postgres: Painter = {
  Line: ({ statement }) => <Sql text={statement.text} line />,
  Asked: ({ statement }) => <Sql text={statement.text} label={t.statement} />,
  Outcome: Result,
};

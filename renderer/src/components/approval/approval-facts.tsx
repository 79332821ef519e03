import { Code } from '@mantine/core';
import type { Approval } from '../../../../gateway/contract/decision.ts';
import type { ActionOperation, StatementOperation, TableRef } from '../../../../gateway/contract/operation.ts';
import { strings } from '../../strings.ts';
import { count } from '../../text/format.ts';
import { decodeParameter } from '../../text/parameter-value.ts';
import { Fact } from '../page.tsx';
import { ToneIcon } from '../tone.tsx';
import { Visible } from '../visible.tsx';
import classes from './approval-facts.module.css';

const t = strings.approvals;

const tableName = (table: TableRef) => (table.schema === null ? table.name : `${table.schema}.${table.name}`);

function Tables({ tables }: { tables: readonly TableRef[] }) {
  return (
    <ul className={classes.tables}>
      {tables.map((table) => (
        <li key={tableName(table)}>
          <Code>
            <Visible>{tableName(table)}</Visible>
          </Code>
          {table.columns.length > 0 && (
            <span className={classes.columns}>
              {' '}
              <Visible>{table.columns.join(', ')}</Visible>
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

function Parameters({ operation }: { operation: StatementOperation }) {
  return (
    <ol className={classes.parameters}>
      {operation.parameters.map((parameter, index) => {
        const decoded = decodeParameter(parameter);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a parameter is its position.
          <li key={index}>
            <Code>${index + 1}</Code>{' '}
            {decoded.value === null ? (
              <em>{t.parameterNull}</em>
            ) : (
              <span className={classes.value}>
                <Visible>{decoded.value}</Visible>
              </span>
            )}{' '}
            <span className={classes.columns}>
              {decoded.form === 'raw' ? `${decoded.type} (${t.parameterRaw})` : decoded.type}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** Where an action would happen, and what the approval is bound to besides its text. */
function ActionFacts({ operation }: { operation: ActionOperation }) {
  return (
    <>
      <Fact name={t.place}>
        <Code>
          <Visible>{operation.place}</Visible>
        </Code>
      </Fact>
      {operation.bindings.length > 0 && (
        <Fact name={t.bindings}>
          <ul className={classes.tables}>
            {operation.bindings.map(({ name, value }) => (
              <li key={name}>
                <Code>
                  <Visible>{name}</Visible>
                </Code>{' '}
                <span className={classes.columns}>
                  <Visible>{value.slice(0, 16)}</Visible>
                </span>
              </li>
            ))}
          </ul>
        </Fact>
      )}
    </>
  );
}

/** What the person may want to know before deciding; every line has its place from the start. */
export function ApprovalFacts({ approval }: { approval: Approval }) {
  const { operation, estimatedRows } = approval;
  const { effects, agent, identity } = operation;
  return (
    <>
      {effects.writes.length > 0 && (
        <Fact name={t.writes}>
          <Tables tables={effects.writes} />
        </Fact>
      )}
      {effects.reads.length > 0 && (
        <Fact name={t.reads}>
          <Tables tables={effects.reads} />
        </Fact>
      )}
      {effects.filtersOn.length > 0 && (
        <Fact name={t.filters}>
          <Visible>{effects.filtersOn.join(', ')}</Visible>
        </Fact>
      )}
      {effects.functions.length > 0 && (
        <Fact name={t.functions}>
          <Visible>{effects.functions.join(', ')}</Visible>
        </Fact>
      )}
      {operation.protocol === 'postgres' ? (
        <Fact name={t.rows}>{estimatedRows === null ? t.noEstimate : `≈ ${count(Math.round(estimatedRows))}`}</Fact>
      ) : (
        <ActionFacts operation={operation} />
      )}
      {operation.protocol === 'postgres' && operation.parameters.length > 0 && (
        <Fact name={t.parameters}>
          <Parameters operation={operation} />
        </Fact>
      )}
      <Fact name={t.process}>
        <Visible>
          {[agent, ...agent.parents].map((p) => (p.pid === null ? p.name : `${p.name} (${p.pid})`)).join(' ← ')}
        </Visible>
        <span className={classes.columns}> {t.processHint}</span>
        {!identity.verified && (
          <span className={classes.unverified}>
            <ToneIcon tone="info" size={14} />
            <span>
              <Visible>{identity.display}</Visible>: {t.unverified}
            </span>
          </span>
        )}
      </Fact>
      {operation.protocol === 'postgres' && (
        <Fact name={t.transaction}>
          {t.transactions[operation.transaction]}
          <span className={classes.columns}>
            {' '}
            · {t.searchPath.toLowerCase()} <Visible>{operation.searchPath}</Visible>
          </span>
        </Fact>
      )}
      <Fact name={t.digest}>
        <Code title={operation.digest}>{operation.digest.slice(0, 16)}</Code>
        <span className={classes.columns}> {t.digestHint}</span>
      </Fact>
    </>
  );
}

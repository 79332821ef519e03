import { NativeSelect, NumberInput, TextInput } from '@mantine/core';
import type { Approval } from '../../../../gateway/contract/decision.ts';
import { type LiftedValue, liftedValues } from '../../../../gateway/contract/grant-values.ts';
import type { GrantBudget, ValueRule } from '../../../../gateway/contract/value-rule.ts';
import { Visible } from '../visible.tsx';
import type { LimitedScope } from './limits.ts';
import classes from './limits-form.module.css';
import { limitsStrings } from './limits-strings.ts';

const t = limitsStrings;

function firstRule(kind: ValueRule['kind'], { value }: LiftedValue): ValueRule {
  switch (kind) {
    case 'most':
      return { kind, most: Number(value) };
    case 'starts':
      return { kind, starts: (value ?? '').replace(/[^/=:-]*$/, '') || (value ?? '') || ' ' };
    default:
      return { kind };
  }
}

function ValueField({ value, rule, choose }: { value: LiftedValue; rule: ValueRule; choose(rule: ValueRule): void }) {
  const name = value.name === '' ? t.value : value.name;
  const kinds: ValueRule['kind'][] = value.kind === 'number' ? ['same', 'most', 'any'] : ['same', 'starts', 'any'];
  return (
    <li className={classes.value}>
      <span className={classes.name}>
        <Visible>{name}</Visible>
      </span>
      <code className={classes.now}>
        <Visible>{value.value ?? 'NULL'}</Visible>
      </code>
      <NativeSelect
        aria-label={t.mayBe(name)}
        size="xs"
        value={rule.kind}
        disabled={value.fixed}
        data={kinds.map((kind) => ({ value: kind, label: t.rules[kind] }))}
        onChange={(event) => choose(firstRule(event.currentTarget.value as ValueRule['kind'], value))}
      />
      {rule.kind === 'most' && (
        <NumberInput
          aria-label={t.upTo(name)}
          size="xs"
          min={0}
          allowDecimal={false}
          value={rule.most}
          onChange={(most) => choose({ kind: 'most', most: Number(most) || 0 })}
        />
      )}
      {rule.kind === 'starts' && (
        <TextInput
          aria-label={t.beginning(name)}
          size="xs"
          maxLength={1000}
          value={rule.starts}
          onChange={(event) => choose({ kind: 'starts', starts: event.currentTarget.value || ' ' })}
        />
      )}
    </li>
  );
}

const SPANS = ['session', '30', '60', '120'] as const;

/** Which values may be others, how many rows and uses, and for how long. Begins with the narrowest. */
export default function LimitsForm({
  approval,
  scope,
  choose,
}: {
  approval: Approval;
  scope: LimitedScope;
  choose(scope: LimitedScope): void;
}) {
  const lifted = liftedValues(approval.operation);
  if (lifted === null) return null;
  const rules = scope.values ?? [];
  const setRule = (at: number, rule: ValueRule) =>
    choose({ ...scope, values: rules.map((old, i) => (i === at ? rule : old)) });
  const limit = (name: keyof GrantBudget) => (
    <NumberInput
      key={name}
      className={classes.limit}
      label={t.budget[name]}
      placeholder={t.unlimited}
      size="xs"
      min={1}
      allowDecimal={false}
      value={scope.budget?.[name] ?? ''}
      onChange={(value) => {
        const { [name]: _, ...others } = scope.budget ?? {};
        choose({ ...scope, budget: Number(value) >= 1 ? { ...others, [name]: Number(value) } : others });
      }}
    />
  );
  return (
    <fieldset className={classes.form}>
      <legend className={classes.legend}>{t.legend}</legend>
      {lifted.values.length > 0 && (
        <ul className={classes.values}>
          {lifted.values.map((value, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a value is its position.
            <ValueField key={i} value={value} rule={rules[i] ?? { kind: 'same' }} choose={(rule) => setRule(i, rule)} />
          ))}
        </ul>
      )}
      <div className={classes.limits}>
        {approval.operation.protocol === 'postgres' && [limit('rowsEach'), limit('rows')]}
        {limit('uses')}
        <NativeSelect
          className={classes.limit}
          label={t.span}
          size="xs"
          value={scope.kind === 'session' ? 'session' : String(scope.minutes)}
          data={SPANS.map((span) => ({ value: span, label: t.spans[span] }))}
          onChange={(event) => {
            const { reach, values, budget } = scope;
            const rest = { reach, ...(values && { values }), ...(budget && { budget }) };
            const span = event.currentTarget.value;
            choose(
              span === 'session'
                ? { kind: 'session', ...rest }
                : { kind: 'conversation', minutes: Number(span), ...rest },
            );
          }}
        />
      </div>
    </fieldset>
  );
}

import { UnstyledButton } from '@mantine/core';
import { ToneBadge } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import classes from './policy-side.module.css';
import type { Checked } from './use-check.ts';

const t = strings.policy;

interface Props {
  checked: Checked;
  goTo(line: number, column: number): void;
}

/** What the text says, policy by policy, or what is wrong with it; each leads to its line. */
export function Outline({ checked: { check, pending, error }, goTo }: Props) {
  const problems = check?.errors ?? [];
  return (
    <section aria-label={t.outline} className={classes.section}>
      <div className={classes.head}>
        <h2 className={classes.title}>{t.outline}</h2>
        <span role="status">
          {error !== null ? (
            <ToneBadge tone="warn">{t.notChecked}</ToneBadge>
          ) : check === null || pending ? (
            <ToneBadge tone="quiet">{t.checking}</ToneBadge>
          ) : problems.length > 0 ? (
            <ToneBadge tone="bad">{t.problems(problems.length)}</ToneBadge>
          ) : (
            <ToneBadge tone="good">{t.valid(check.policies.length)}</ToneBadge>
          )}
        </span>
      </div>
      <ul className={classes.entries} data-stale={pending}>
        {problems.map(({ line, column, message }) => (
          <li key={`${line}:${column}:${message}`}>
            <UnstyledButton
              className={classes.problem}
              disabled={line === null}
              onClick={() => goTo(line ?? 1, column ?? 1)}
            >
              {line !== null && <strong>{t.line(line)} </strong>}
              <Visible>{message}</Visible>
            </UnstyledButton>
          </li>
        ))}
        {check?.policies.map(({ id, line, sentence }) => (
          <li key={id}>
            <UnstyledButton
              className={classes.entry}
              title={sentence}
              disabled={line === null}
              onClick={() => goTo(line ?? 1, 1)}
            >
              <strong>
                <Visible>{id}</Visible>
              </strong>
              <span className={classes.what}>
                <Visible>{shortOf(sentence, id)}</Visible>
              </span>
            </UnstyledButton>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The name and the line stand beside it already; what it says in its own words comes first. */
function shortOf(sentence: string, id: string): string {
  const rest = sentence.startsWith(id)
    ? sentence
        .slice(id.length)
        .replace(/^ \(line \d+\)/, '')
        .replace(/^: /, '')
    : sentence;
  const says = / Says: (.*)$/s.exec(rest);
  if (says === null) return rest;
  const kind = rest.startsWith('asks') ? (/^asks a person \((\w+)/.exec(rest)?.[1] ?? '') : '';
  return kind === '' ? `${t.never} ${says[1]}` : `${t.asks(kind)} ${says[1]}`;
}

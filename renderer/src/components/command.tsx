import { memo, useMemo } from 'react';
import { type ShellTokenKind, shellTokens } from '../text/shell-tokens.ts';
import classes from './sql.module.css';
import { Visible } from './visible.tsx';

/** Longer ones are shown without colour. */
const COLOURED = 20_000;
const LINE_SHOWS = 300;

const CLASS: Readonly<Record<ShellTokenKind | 'space', string | undefined>> = {
  program: classes.keyword,
  keyword: classes.keyword,
  option: classes.number,
  variable: classes.number,
  string: classes.string,
  comment: classes.comment,
  operator: classes.operator,
  word: undefined,
  space: undefined,
};

interface Props {
  text: string;
  label?: string;
  /** One line, cut with an ellipsis, for lists. */
  line?: boolean;
  /** It is no shell command: nothing is coloured. */
  plain?: boolean;
}

/** A shell command, highlighted, or plain text. Letters stand in the order they have in memory. */
export const Command = memo(function Command({ text, label, line = false, plain = false }: Props) {
  // On one line white space is one space.
  const shown = line ? text.slice(0, LINE_SHOWS).trim().replaceAll(/\s+/g, ' ') : text;
  const tokens = useMemo(() => (plain || shown.length > COLOURED ? null : shellTokens(shown)), [plain, shown]);
  const lines = line ? 'one' : 'block';
  const code =
    tokens === null ? (
      <Visible lines={lines}>{shown}</Visible>
    ) : (
      tokens.map((token, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: tokens are derived from the text and never move.
        <span key={index} className={CLASS[token.kind]}>
          <Visible lines={lines}>{token.text}</Visible>
        </span>
      ))
    );
  if (line) return <code className={classes.line}>{code}</code>;
  return (
    <div className={classes.frame}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <section className={classes.block} aria-label={label} tabIndex={0}>
        <pre>
          <code>{code}</code>
        </pre>
      </section>
    </div>
  );
});

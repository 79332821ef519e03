import { Button } from '@mantine/core';
import { memo, useMemo, useState } from 'react';
import { strings } from '../strings.ts';
import { type SqlToken, type SqlTokenKind, sqlTokens } from '../text/sql-tokens.ts';
import classes from './sql.module.css';
import { Visible } from './visible.tsx';

/** Longer texts are cut at first: colouring a megabyte would hold up the page. */
const SHOWN_AT_FIRST = 20_000;
const LINE_LOOKS_AT = 2000;
const LINE_SHOWS = 300;

const CLASS: Readonly<Record<SqlTokenKind, string | undefined>> = {
  keyword: classes.keyword,
  string: classes.string,
  number: classes.number,
  comment: classes.comment,
  parameter: classes.number,
  name: undefined,
  punctuation: undefined,
  space: undefined,
};

/** For one line: comments before the statement would hide it, and white space is one space. */
function lineTokens(text: string): SqlToken[] {
  const tokens = sqlTokens(text);
  const first = tokens.findIndex((token) => token.kind !== 'comment' && token.kind !== 'space');
  let length = 0;
  return tokens
    .slice(Math.max(0, first))
    .map((token) =>
      token.kind === 'space' ? { ...token, text: ' ' } : { ...token, text: token.text.slice(0, LINE_SHOWS) },
    )
    .filter((token) => {
      length += token.text.length;
      return length <= 2 * LINE_SHOWS;
    });
}

interface Props {
  text: string;
  label?: string;
  /** One line, cut with an ellipsis, for lists. */
  line?: boolean;
}

/** A statement, highlighted. Letters stand in the order they have in memory, whatever their script. */
export const Sql = memo(function Sql({ text, label, line = false }: Props) {
  const [all, setAll] = useState(false);
  const shown = text.slice(0, line ? LINE_LOOKS_AT : all ? text.length : SHOWN_AT_FIRST);
  const tokens = useMemo(() => (line ? lineTokens(shown) : sqlTokens(shown)), [line, shown]);
  const code = tokens.map((token, index) => {
    const foreign = token.kind === 'name' && /[^\u0020-\u007e]/.test(token.text);
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: tokens are derived from the text and never move.
      <span key={index} className={foreign ? classes.foreign : CLASS[token.kind]}>
        <Visible lines={line ? 'one' : 'block'}>{token.text}</Visible>
      </span>
    );
  });
  if (line) return <code className={classes.line}>{code}</code>;
  return (
    <div className={classes.frame}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <section className={classes.block} aria-label={label} tabIndex={0}>
        <pre>
          <code>{code}</code>
        </pre>
      </section>
      {shown.length < text.length && (
        <Button variant="subtle" size="compact-sm" onClick={() => setAll(true)}>
          {strings.text.showAll} ({strings.text.truncated(text.length - shown.length)})
        </Button>
      )}
    </div>
  );
});

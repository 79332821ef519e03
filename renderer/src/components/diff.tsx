import { Button } from '@mantine/core';
import { memo, useMemo, useState } from 'react';
import { strings } from '../strings.ts';
import { type DiffLine, diffCounts, diffLines } from '../text/unified-diff.ts';
import classes from './diff.module.css';
import { Visible } from './visible.tsx';

const SHOWN_AT_FIRST = 400;

const CLASS: Readonly<Record<DiffLine['kind'], string | undefined>> = {
  head: classes.head,
  hunk: classes.hunk,
  added: classes.added,
  removed: classes.removed,
  context: undefined,
};

/** A unified difference, line by line; the signs stay, so colour is never alone. */
export const Diff = memo(function Diff({ text, label }: { text: string; label: string }) {
  const [all, setAll] = useState(false);
  const lines = useMemo(() => diffLines(text), [text]);
  const shown = all ? lines : lines.slice(0, SHOWN_AT_FIRST);
  const { added, removed } = useMemo(() => diffCounts(lines), [lines]);
  return (
    <div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <section className={classes.diff} tabIndex={0} aria-label={`${label}: ${strings.text.diff(added, removed)}`}>
        <pre>
          {shown.map((line, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line of a difference is its place.
            <span key={index} className={`${classes.line} ${CLASS[line.kind] ?? ''}`}>
              <Visible lines="block">{line.text === '' ? ' ' : line.text}</Visible>
            </span>
          ))}
        </pre>
      </section>
      <div className={classes.foot}>
        <span>{strings.text.diff(added, removed)}</span>
        {shown.length < lines.length && (
          <Button variant="subtle" size="compact-sm" onClick={() => setAll(true)}>
            {strings.text.showAll} ({strings.text.moreLines(lines.length - shown.length)})
          </Button>
        )}
      </div>
    </div>
  );
});

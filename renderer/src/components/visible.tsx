import { memo } from 'react';
import { strings } from '../strings.ts';
import { visibleText } from '../text/visible-text.ts';
import classes from './visible.module.css';

interface Props {
  children: string;
  /** `block` keeps line breaks and tabs; `one` names them. */
  lines?: 'block' | 'one';
}

/** The only way text from outside reaches the page: what cannot be seen is shown by name. */
export const Visible = memo(function Visible({ children, lines = 'one' }: Props) {
  return (
    <bdi className={classes.outside}>
      {visibleText(children, lines).map((part, index) =>
        part.kind === 'plain' ? (
          part.text
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts are derived from the text and never move.
          <mark key={index} className={classes.special} title={`${strings.text.special} ${part.title}`}>
            {part.label}
          </mark>
        ),
      )}
    </bdi>
  );
});

import { Text } from '@mantine/core';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import classes from './diff.module.css';

const t = strings.policy;

/** A unified difference as the gateway made it; the signs stay, so colour is never alone. */
export function Diff({ text }: { text: string }) {
  if (text.trim() === '') return <Text c="dimmed">{t.noDifference}</Text>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section className={classes.diff} tabIndex={0} aria-label={t.difference}>
      <pre>
        {text
          .replace(/\n$/, '')
          .split('\n')
          .map((line, index) => {
            const sign = line.startsWith('+++') || line.startsWith('---') ? 'h' : line[0];
            const kind =
              sign === '+'
                ? classes.added
                : sign === '-'
                  ? classes.removed
                  : sign === '@' || sign === 'h'
                    ? classes.head
                    : '';
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: a line of a difference is its place.
              <span key={index} className={`${classes.line} ${kind}`}>
                <Visible lines="block">{line === '' ? ' ' : line}</Visible>
              </span>
            );
          })}
      </pre>
    </section>
  );
}

import { Kbd } from '@mantine/core';
import classes from './keys.module.css';

const isApple = /Mac|iPhone|iPad/.test(navigator.platform);
const NAMES: Readonly<Record<string, string>> = isApple
  ? { mod: '⌘', Enter: '↩', Backspace: '⌫', shift: '⇧', space: 'Space' }
  : { mod: 'Ctrl', Enter: '↵', Backspace: '⌫', shift: 'Shift', space: 'Space' };

/** The keys of an action, shown beside it. Hidden from screen readers: they get `aria-keyshortcuts`. */
export function Keys({ keys }: { keys: readonly string[] }) {
  return (
    <span className={classes.keys} aria-hidden>
      {keys.map((key, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a key may come twice ("g g"), and the list never changes
        <Kbd key={`${at} ${key}`} size="xs" className={classes.key}>
          {NAMES[key] ?? key}
        </Kbd>
      ))}
    </span>
  );
}

/** The key that stands for "command" here: ⌘ on Apple's systems, Ctrl elsewhere. */
export function hasMod(event: KeyboardEvent): boolean {
  return isApple ? event.metaKey : event.ctrlKey;
}

/** Is the person typing into something that wants the key for itself? */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      ['TEXTAREA', 'SELECT'].includes(target.tagName) ||
      (target instanceof HTMLInputElement && !['radio', 'checkbox', 'range', 'button'].includes(target.type)))
  );
}

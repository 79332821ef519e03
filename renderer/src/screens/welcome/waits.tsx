import { Loader } from '@mantine/core';
import classes from './welcome-screen.module.css';

/** Something is awaited, which comes by itself. */
export function Waits({ text }: { text: string }) {
  return (
    <div className={classes.waits} role="status">
      <Loader size="xs" type="dots" />
      <span>{text}</span>
    </div>
  );
}

import { Button } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { strings } from '../strings.ts';
import classes from './copy.module.css';
import { Visible } from './visible.tsx';

/** Text to paste elsewhere, with its button. */
export function CopyBlock({ text, label }: { text: string; label: string }) {
  const clipboard = useClipboard({ timeout: 2000 });
  return (
    <div className={classes.block}>
      <div className={classes.head}>
        <span className={classes.label}>{label}</span>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={clipboard.copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          onClick={() => clipboard.copy(text)}
        >
          {clipboard.copied ? strings.copied : strings.copy}
        </Button>
      </div>
      <pre className={classes.text}>
        <Visible lines="block">{text}</Visible>
      </pre>
    </div>
  );
}

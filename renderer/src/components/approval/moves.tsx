import { ActionIcon, Tooltip } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { strings } from '../../strings.ts';
import { Keys } from '../keys.tsx';
import classes from './approval-card.module.css';

const t = strings.approvals;

interface Props {
  disabled: boolean;
  move(by: 1 | -1): void;
}

function Move({ by, disabled, move }: Props & { by: 1 | -1 }) {
  const [name, key, Icon] =
    by === 1 ? ([t.next, 'J', IconChevronRight] as const) : ([t.previous, 'K', IconChevronLeft] as const);
  return (
    <Tooltip
      label={
        <>
          {name} <Keys keys={[key]} />
        </>
      }
    >
      <ActionIcon
        variant="default"
        aria-label={name}
        aria-keyshortcuts={key}
        disabled={disabled}
        onClick={() => move(by)}
      >
        <Icon size={17} />
      </ActionIcon>
    </Tooltip>
  );
}

/** To the request before and after this one. */
export function Moves({ disabled, move }: Props) {
  return (
    <span className={classes.moves}>
      <Move by={-1} disabled={disabled} move={move} />
      <Move by={1} disabled={disabled} move={move} />
    </span>
  );
}

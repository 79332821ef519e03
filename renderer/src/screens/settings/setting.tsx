import type { ReactNode } from 'react';
import { strings } from '../../strings.ts';
import classes from './settings-screen.module.css';

interface Props {
  name: string;
  /** Who decides it. */
  by: string;
  /** What it means, where the name does not say enough. */
  hint?: ReactNode;
  /** The value as it is, or what changes it. */
  children: ReactNode;
}

/** One thing that can be one way or another: what it is now, and who decides. */
export function Setting({ name, by, hint, children }: Props) {
  return (
    <div className={classes.setting}>
      <div className={classes.settingText}>
        <span className={classes.settingName}>{name}</span>
        {hint !== undefined && <span className={classes.hint}>{hint}</span>}
        <span className={classes.by}>{strings.settings.decidedBy(by)}</span>
      </div>
      <div className={classes.settingValue}>{children}</div>
    </div>
  );
}

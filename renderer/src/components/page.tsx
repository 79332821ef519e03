import { Button, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import { failureText } from '../api/client.ts';
import { strings } from '../strings.ts';
import classes from './page.module.css';
import { Notice } from './tone.tsx';
import { Visible } from './visible.tsx';

interface PageProps {
  /** Of the window; of the page too unless `heading` says otherwise. */
  title: string;
  heading?: string;
  lead?: string;
  actions?: ReactNode;
  /** The page fills the window's height and scrolls inside. */
  fill?: boolean;
  /** What stands beside each other needs more width than text does. */
  wide?: boolean;
  children: ReactNode;
}

export function Page({ title, heading = title, lead, actions, fill = false, wide = false, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · ${strings.product}`;
  }, [title]);
  return (
    <div className={fill ? classes.fill : classes.page} data-wide={wide}>
      <header className={classes.head}>
        <div>
          <Title order={1} className={classes.title}>
            {heading}
          </Title>
          {lead !== undefined && <Text className={classes.lead}>{lead}</Text>}
        </div>
        {actions !== undefined && <div className={classes.actions}>{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export function Card({ children, label, className }: { children: ReactNode; label?: string; className?: string }) {
  return (
    <section className={`${classes.card} ${className ?? ''}`} aria-label={label}>
      {children}
    </section>
  );
}

/** What to show where there is nothing: what it means and what to do next. */
export function Empty({ title, hint, children }: { title: string; hint: string; children?: ReactNode }) {
  return (
    <div className={classes.empty}>
      <Title order={2} className={classes.emptyTitle}>
        {title}
      </Title>
      <Text className={classes.emptyHint}>{hint}</Text>
      {children}
    </div>
  );
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <Notice tone="bad" role="alert">
      <Visible>{failureText(error)}</Visible>
      {retry !== undefined && (
        <Button variant="subtle" size="compact-sm" onClick={retry} ml="sm">
          {strings.retry}
        </Button>
      )}
    </Notice>
  );
}

/** A name and its value; a list of them lines up. */
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className={classes.fact}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Facts({ children }: { children: ReactNode }) {
  return <dl className={classes.facts}>{children}</dl>;
}

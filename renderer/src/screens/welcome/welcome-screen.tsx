import { Button, Loader } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useApi } from '../../api/queries.ts';
import { LinkButton } from '../../components/link-button.tsx';
import { Card, Page } from '../../components/page.tsx';
import { ToneIcon } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';
import { AgentStep } from './agent-step.tsx';
import { ApprovalStep } from './approval-step.tsx';
import { ConnectionStep } from './connection-step.tsx';
import { DoneStep } from './done-step.tsx';
import { type Setup, type StepKey, useSetup } from './use-setup.ts';
import classes from './welcome-screen.module.css';

const t = strings.welcome;

interface StepProps {
  setup: Setup;
  step: Setup['steps'][number];
  number: number;
  opened: boolean;
  open(): void;
  children: ReactNode;
}

function Step({ step, number, opened, open, children }: StepProps) {
  const { name, lead } = t.steps[step.key];
  return (
    <li className={classes.step} data-done={step.done || undefined} aria-current={opened ? 'step' : undefined}>
      <span className={classes.mark}>{step.done ? <ToneIcon tone="good" size={22} /> : number}</span>
      <div className={classes.content}>
        <div className={classes.stepHead}>
          <h2>
            {name}
            <span className={classes.hidden}> – {step.done ? t.done : t.open}</span>
          </h2>
          {!opened && (
            <Button size="compact-sm" variant="subtle" onClick={open} aria-label={t.showStep(name)}>
              {t.show}
            </Button>
          )}
        </div>
        {opened && (
          <div className={classes.body}>
            <p>{lead}</p>
            {children}
          </div>
        )}
      </div>
    </li>
  );
}

/** From nothing to the first approval; a step is ticked when it was seen to work, not when it was read. */
export function WelcomeScreen() {
  const setup = useSetup();
  const [chosen, setChosen] = useState<StepKey | null>(null);
  const first = setup.steps.find(({ done }) => !done)?.key ?? null;
  const waiting = useApi('approvals', { state: 'waiting', limit: 500 }).data?.total ?? 0;
  // The first request is there before it is decided: its card stays open until then.
  const finished = setup.complete && waiting === 0;
  const opened = chosen ?? first ?? (waiting > 0 ? 'approval' : null);
  const bodies: Readonly<Record<StepKey, ReactNode>> = {
    connection: <ConnectionStep setup={setup} next={() => setChosen(null)} />,
    agent: <AgentStep setup={setup} />,
    approval: <ApprovalStep setup={setup} />,
  };
  return (
    <Page title={t.title} lead={t.lead}>
      {setup.loading ? (
        <Loader size="sm" />
      ) : (
        <div className={classes.columns}>
          <Card>
            <ol className={classes.steps}>
              {setup.steps.map((step, index) => (
                <Step
                  key={step.key}
                  setup={setup}
                  step={step}
                  number={index + 1}
                  opened={opened === step.key}
                  open={() => setChosen(step.key)}
                >
                  {bodies[step.key]}
                </Step>
              ))}
              <li className={classes.step} data-done={finished || undefined}>
                <span className={classes.mark}>
                  {finished ? <ToneIcon tone="good" size={22} /> : setup.steps.length + 1}
                </span>
                <div className={classes.content}>
                  <div className={classes.stepHead}>
                    <h2>{t.doneTitle}</h2>
                  </div>
                  {finished && <DoneStep />}
                </div>
              </li>
            </ol>
          </Card>
          <aside className={classes.aside}>
            <h2>{t.howTitle}</h2>
            <ol className={classes.how}>
              {t.how.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ol>
            {!setup.complete && (
              <LinkButton to="/" variant="subtle" size="compact-sm" onClick={setup.dismiss}>
                {t.dismiss}
              </LinkButton>
            )}
          </aside>
        </div>
      )}
    </Page>
  );
}

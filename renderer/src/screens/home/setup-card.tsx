import { Button } from '@mantine/core';
import { LinkButton } from '../../components/link-button.tsx';
import { Card } from '../../components/page.tsx';
import { ToneIcon } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';
import { useSetup } from '../welcome/use-setup.ts';
import classes from './home-screen.module.css';

const t = strings.welcome;

/** Shown until everything was seen to work once, or the person put it away. */
export function SetupCard() {
  const setup = useSetup();
  if (setup.loading || setup.complete || setup.dismissed) return null;
  return (
    <Card label={t.title} className={classes.setup}>
      <div className={classes.setupText}>
        <h2 className={classes.title}>{t.title}</h2>
        <ul className={classes.setupSteps}>
          {setup.steps.map(({ key, done }) => (
            <li key={key}>
              <ToneIcon tone={done ? 'good' : 'quiet'} size={16} /> {t.steps[key].name}
              <span className={classes.hidden}> {done ? t.done : t.open}</span>
            </li>
          ))}
        </ul>
      </div>
      <div className={classes.setupActions}>
        <LinkButton to="/welcome">{setup.steps.some(({ done }) => done) ? t.goOn : t.begin}</LinkButton>
        <Button variant="subtle" onClick={setup.dismiss}>
          {t.dismiss}
        </Button>
      </div>
    </Card>
  );
}

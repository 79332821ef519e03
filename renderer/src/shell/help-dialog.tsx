import { Modal, Text, Title } from '@mantine/core';
import type { ConsoleHost } from '../../../gateway/contract/routes/console.ts';
import { Keys } from '../components/keys.tsx';
import { strings } from '../strings.ts';
import classes from './help-dialog.module.css';
import type { Place } from './places.ts';

const t = strings.help;
interface Group {
  title: string;
  rows: ReadonlyArray<readonly [string, ...(readonly string[])[]]>;
}

const everywhere = (places: readonly Place[]): Group => ({
  title: t.everywhere,
  rows: [
    ...places.map(({ name, key }): Group['rows'][number] => [t.goTo(name), ['G', key.toUpperCase()]]),
    [t.palette, ['mod', 'K']],
    [t.thisHelp, ['?']],
  ],
});

const APPROVALS: Group = {
  title: t.approvals,
  rows: [
    [t.approve, ['mod', 'Enter']],
    [t.deny, ['mod', 'Backspace']],
    [t.leave, ['Esc']],
    [t.nextPrevious, ['J'], ['K']],
  ],
};

const REPLAY: Group = {
  title: t.replay,
  rows: [
    [t.playPause, ['space']],
    [t.seconds, ['←'], ['→']],
    [t.tenth, ['shift', '←'], ['shift', '→']],
    [t.markers, ['['], [']']],
    [t.step, [','], ['.']],
    [t.jump, ['0'], ['9']],
    [t.fullScreen, ['F']],
  ],
};

interface Props {
  host: ConsoleHost;
  places: readonly Place[];
  opened: boolean;
  onClose(): void;
}

export function HelpDialog({ host, places, opened, onClose }: Props) {
  const groups = [everywhere(places), ...(host === 'gateway' ? [APPROVALS] : []), REPLAY];
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t.title}
      size="lg"
      closeButtonProps={{ 'aria-label': strings.close }}
    >
      <div className={classes.groups}>
        {groups.map((group) => (
          <section key={group.title}>
            <Title order={3} className={classes.title}>
              {group.title}
            </Title>
            <dl className={classes.list}>
              {group.rows.map(([name, ...combinations]) => (
                <div key={name} className={classes.row}>
                  <dt>{name}</dt>
                  <dd>
                    {combinations.map((keys) => (
                      <Keys key={keys.join()} keys={keys} />
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      {host === 'gateway' && (
        <Text c="dimmed" size="sm" mt="md">
          {t.note}
        </Text>
      )}
    </Modal>
  );
}

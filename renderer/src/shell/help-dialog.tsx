import { Modal, Text, Title } from '@mantine/core';
import { Keys } from '../components/keys.tsx';
import { strings } from '../strings.ts';
import classes from './help-dialog.module.css';

const t = strings.help;
const GROUPS: ReadonlyArray<{ title: string; rows: ReadonlyArray<readonly [string, ...(readonly string[])[]]> }> = [
  {
    title: t.everywhere,
    rows: [
      [t.goTo(strings.nav.approvals), ['G', 'A']],
      [t.goTo(strings.nav.grants), ['G', 'G']],
      [t.goTo(strings.nav.sessions), ['G', 'S']],
      [t.goTo(strings.nav.connections), ['G', 'C']],
      [t.goTo(strings.nav.policy), ['G', 'P']],
      [t.goTo(strings.nav.settings), ['G', 'T']],
      [t.thisHelp, ['?']],
    ],
  },
  {
    title: t.approvals,
    rows: [
      [t.approve, ['mod', 'Enter']],
      [t.deny, ['mod', 'Backspace']],
      [t.leave, ['Esc']],
      [t.nextPrevious, ['J'], ['K']],
    ],
  },
  {
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
  },
];

export function HelpDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t.title}
      size="lg"
      closeButtonProps={{ 'aria-label': strings.close }}
    >
      <div className={classes.groups}>
        {GROUPS.map((group) => (
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
      <Text c="dimmed" size="sm" mt="md">
        {t.note}
      </Text>
    </Modal>
  );
}

import { Combobox, Modal, TextInput, useCombobox, VisuallyHidden } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useMemo, useState } from 'react';
import { Visible } from '../components/visible.tsx';
import { strings } from '../strings.ts';
import classes from './palette.module.css';
import { matching, type PaletteItem } from './palette-items.ts';

const t = strings.palette;

interface Props {
  items: readonly PaletteItem[];
  opened: boolean;
  onClose(): void;
}

function Results({ items, close }: { items: readonly PaletteItem[]; close(): void }) {
  const [query, setQuery] = useState('');
  const combobox = useCombobox({ opened: true });
  const found = useMemo(() => matching(items, query), [items, query]);
  const groups = [...new Set(found.map(({ group }) => group))];
  const { selectFirstOption } = combobox;

  // biome-ignore lint/correctness/useExhaustiveDependencies: what is found first is what Enter takes.
  useEffect(() => {
    selectFirstOption();
  }, [found]);

  const run = (id: string) => {
    const item = items.find((candidate) => candidate.id === id);
    close();
    item?.run();
  };
  return (
    <Combobox store={combobox} onOptionSubmit={run}>
      <Combobox.EventsTarget>
        <TextInput
          className={classes.field}
          leftSection={<IconSearch size={17} />}
          placeholder={t.placeholder}
          aria-label={t.title}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
          // The list keeps Esc from the window around it, and has nothing to close of its own.
          onKeyDown={(event) => {
            if (event.key === 'Escape') close();
          }}
          variant="unstyled"
          size="md"
          data-autofocus
          autoComplete="off"
          spellCheck={false}
          maxLength={200}
        />
      </Combobox.EventsTarget>
      <Combobox.Options className={classes.results} aria-label={t.title}>
        {groups.map((group) => (
          <Combobox.Group key={group} label={t.groups[group]}>
            {found
              .filter((item) => item.group === group)
              .map((item) => (
                <Combobox.Option key={item.id} value={item.id} className={classes.option}>
                  <item.icon size={17} stroke={1.8} aria-hidden />
                  <span className={classes.name}>
                    <Visible>{item.name}</Visible>
                  </span>
                  {item.detail !== undefined && (
                    <span className={classes.detail}>
                      <Visible>{item.detail}</Visible>
                    </span>
                  )}
                </Combobox.Option>
              ))}
          </Combobox.Group>
        ))}
        {found.length === 0 && <Combobox.Empty>{t.nothing}</Combobox.Empty>}
      </Combobox.Options>
      <VisuallyHidden aria-live="polite">{query === '' ? '' : t.found(found.length)}</VisuallyHidden>
    </Combobox>
  );
}

/** Everything that can be gone to or done, by typing some of its name. */
export function Palette({ items, opened, onClose }: Props) {
  return (
    <Modal.Root opened={opened} onClose={onClose} size="lg" yOffset="12vh" padding={0}>
      <Modal.Overlay />
      <Modal.Content aria-label={t.title}>
        <Modal.Body className={classes.body}>
          <Results items={items} close={onClose} />
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

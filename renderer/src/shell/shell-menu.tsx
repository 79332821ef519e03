import { ActionIcon, Menu, useMantineColorScheme } from '@mantine/core';
import {
  IconDeviceDesktop,
  IconDots,
  IconKeyboard,
  IconLogout,
  IconMoon,
  IconSearch,
  IconSun,
} from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useApiMutation } from '../api/queries.ts';
import { Keys } from '../components/keys.tsx';
import { strings } from '../strings.ts';

const SCHEMES = [
  { scheme: 'auto', icon: IconDeviceDesktop },
  { scheme: 'light', icon: IconSun },
  { scheme: 'dark', icon: IconMoon },
] as const;

export function ShellMenu({ openHelp, openPalette }: { openHelp: () => void; openPalette: () => void }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const client = useQueryClient();
  const logout = useApiMutation('logout');
  return (
    <Menu position="bottom-end" width={250} withinPortal={false} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={strings.nav.menu}>
          <IconDots size={20} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {SCHEMES.map(({ scheme, icon: Icon }) => (
          <Menu.RadioItem
            key={scheme}
            value={scheme}
            checked={colorScheme === scheme}
            onChange={() => setColorScheme(scheme)}
            rightSection={<Icon size={16} />}
          >
            {strings.header.colorScheme[scheme]}
          </Menu.RadioItem>
        ))}
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconSearch size={16} />}
          rightSection={<Keys keys={['mod', 'K']} />}
          onClick={openPalette}
        >
          {strings.palette.title}
        </Menu.Item>
        <Menu.Item leftSection={<IconKeyboard size={16} />} rightSection={<Keys keys={['?']} />} onClick={openHelp}>
          {strings.header.help}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconLogout size={16} />}
          onClick={() => logout.mutate({}, { onSettled: () => void client.resetQueries() })}
        >
          {strings.header.logout}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

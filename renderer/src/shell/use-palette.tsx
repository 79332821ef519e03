import { useMantineColorScheme } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  IconDatabase,
  IconHandStop,
  IconKeyboard,
  IconListDetails,
  IconLogout,
  IconMoon,
  IconPlus,
  IconRocket,
  IconSun,
} from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect } from 'react';
import type { ConsoleHost } from '../../../gateway/contract/routes/console.ts';
import { useApi, useApiMutation } from '../api/queries.ts';
import { hasMod } from '../components/keys.tsx';
import { strings } from '../strings.ts';
import { timeOfDay } from '../text/format.ts';
import { operationLine } from '../text/operation-line.ts';
import { Palette } from './palette.tsx';
import type { PaletteItem } from './palette-items.ts';
import type { Place } from './places.ts';

const t = strings.palette;
const SESSIONS = 50;

/** What only a gateway has: asked for when the palette opens, and kept. */
function useGatewayItems(wanted: boolean): PaletteItem[] {
  const navigate = useNavigate();
  const waiting = useApi('approvals', { state: 'waiting', limit: 500 }, { enabled: wanted });
  const connections = useApi('connections', {}, { enabled: wanted });
  const sessions = useApi('sessions', { limit: SESSIONS, offset: 0 }, { enabled: wanted, staleTime: 5000 });
  if (!wanted) return [];
  return [
    ...(waiting.data?.items ?? []).map(({ id, operation }): PaletteItem => {
      const line = operationLine(operation);
      return {
        id: `waiting ${id}`,
        group: 'waiting',
        name: t.decide(line.what),
        detail: line.where,
        icon: IconHandStop,
        run: () => void navigate({ to: '/approvals', search: { id } }),
      };
    }),
    ...(connections.data?.items ?? []).map(
      ({ id, database, host }): PaletteItem => ({
        id: `connection ${id}`,
        group: 'connections',
        name: id,
        detail: `${host}/${database}`,
        icon: IconDatabase,
        run: () => void navigate({ to: '/connections/$id', params: { id } }),
      }),
    ),
    ...(sessions.data?.items ?? []).map(
      ({ id, agent, connectionId, openedAt }): PaletteItem => ({
        id: `session ${id}`,
        group: 'sessions',
        name: `${agent.name} → ${connectionId}`,
        detail: timeOfDay(openedAt, Date.now()),
        icon: IconListDetails,
        run: () => void navigate({ to: '/sessions/$id', params: { id } }),
      }),
    ),
    {
      id: 'action connection',
      group: 'actions',
      name: strings.connections.add,
      icon: IconPlus,
      run: () => void navigate({ to: '/connections/new' }),
    },
    {
      id: 'action welcome',
      group: 'actions',
      name: strings.welcome.title,
      icon: IconRocket,
      run: () => void navigate({ to: '/welcome' }),
    },
  ];
}

/** Ctrl/⌘+K, on every page with the shell. */
export function usePalette(
  host: ConsoleHost,
  places: readonly Place[],
  openHelp: () => void,
): { element: ReactNode; open(): void } {
  const [opened, { open, close, toggle }] = useDisclosure(false);
  const navigate = useNavigate();
  const client = useQueryClient();
  const logout = useApiMutation('logout');
  const { setColorScheme } = useMantineColorScheme();
  const own = useGatewayItems(opened && host === 'gateway');

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!hasMod(event) || event.shiftKey || event.altKey || event.key.toLowerCase() !== 'k') return;
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat) toggle();
    };
    document.addEventListener('keydown', onKey, { capture: true });
    return () => document.removeEventListener('keydown', onKey, { capture: true });
  }, [toggle]);

  const action = (id: string, name: string, icon: PaletteItem['icon'], run: () => void): PaletteItem => ({
    id: `action ${id}`,
    group: 'actions',
    name,
    icon,
    run,
  });
  const items: PaletteItem[] = [
    ...own,
    ...places.map(
      ({ to, name, icon }): PaletteItem => ({
        id: `place ${to}`,
        group: 'places',
        name,
        icon,
        run: () => void navigate({ to }),
      }),
    ),
    action('light', strings.header.colorScheme.light, IconSun, () => setColorScheme('light')),
    action('dark', strings.header.colorScheme.dark, IconMoon, () => setColorScheme('dark')),
    action('help', strings.header.help, IconKeyboard, openHelp),
    action('logout', strings.header.logout, IconLogout, () =>
      logout.mutate({}, { onSettled: () => void client.resetQueries() }),
    ),
  ];
  return { element: <Palette items={items} opened={opened} onClose={close} />, open };
}

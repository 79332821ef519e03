import { ActionIcon, AppShell, Burger, Group, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { type ReactNode, useEffect } from 'react';
import type { ConsoleHost } from '../../../gateway/contract/routes/console.ts';
import { type LinkState, useHostEvents, useLinkState } from '../api/events.ts';
import { isTyping, Keys } from '../components/keys.tsx';
import { Notice } from '../components/tone.tsx';
import { strings } from '../strings.ts';
import { HelpDialog } from './help-dialog.tsx';
import type { Place } from './places.ts';
import classes from './shell.module.css';
import { ShellMenu } from './shell-menu.tsx';
import { usePalette } from './use-palette.tsx';

/** "g" and a letter goes to a page. */
const GO_WITHIN_MS = 1500;

interface Props {
  host: ConsoleHost;
  /** The first one is where the brand leads. */
  places: readonly [Place, ...Place[]];
  /** What waits at a place. */
  counts: Readonly<Partial<Record<Place['to'], number>>>;
  state(link: LinkState): ReactNode;
  /** Above every page. */
  banner?: ReactNode;
}

export function Shell({ host, places, counts, state, banner }: Props) {
  useHostEvents(host);
  const link = useLinkState();
  const [menuOpen, menu] = useDisclosure(false);
  const [helpOpen, help] = useDisclosure(false);
  const palette = usePalette(host, places, help.open);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const navigate = useNavigate();

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the menu.
  useEffect(() => menu.close(), [path]);

  useEffect(() => {
    let wentAt = 0;
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === '?') help.open();
      const place = places.find((candidate) => candidate.key === event.key);
      if (place !== undefined && Date.now() - wentAt < GO_WITHIN_MS) {
        wentAt = 0;
        void navigate({ to: place.to });
      } else wentAt = event.key === 'g' ? Date.now() : 0;
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [navigate, help.open, places]);

  return (
    <AppShell header={{ height: 56 }} navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !menuOpen } }}>
      <a href="#content" className={classes.skip}>
        {strings.skipToContent}
      </a>
      <AppShell.Header className={classes.header}>
        <Group gap="xs" wrap="nowrap">
          <Burger opened={menuOpen} onClick={menu.toggle} hiddenFrom="sm" size="sm" aria-label={strings.nav.menu} />
          <Link to={places[0].to} className={classes.brand} aria-label={strings.product}>
            <img src="/favicon.svg" alt="" width={26} height={26} />
            <span className={classes.brandName}>{strings.product}</span>
          </Link>
        </Group>
        <Group gap={6} wrap="nowrap" className={classes.right}>
          {state(link)}
          <Tooltip
            label={
              <>
                {strings.palette.title} <Keys keys={['mod', 'K']} />
              </>
            }
          >
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              className={classes.search}
              aria-label={strings.palette.title}
              aria-keyshortcuts="Control+K Meta+K"
              onClick={palette.open}
            >
              <IconSearch size={19} />
            </ActionIcon>
          </Tooltip>
          <ShellMenu openHelp={help.open} openPalette={palette.open} />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes.navbar}>
        <nav aria-label={strings.nav.label}>
          <ul className={classes.places}>
            {places.map(({ to, key, name, icon: Icon }) => (
              <li key={to}>
                <Link
                  to={to}
                  className={classes.place}
                  activeProps={{ className: classes.active, 'aria-current': 'page' }}
                  activeOptions={{ exact: to === '/', includeSearch: false }}
                >
                  <Icon size={19} stroke={1.8} aria-hidden />
                  <span>{name}</span>
                  {(counts[to] ?? 0) > 0 && (
                    <span className={classes.count}>
                      {counts[to]}
                      <span className={classes.hidden}> {strings.approvals.queue}</span>
                    </span>
                  )}
                  <span className={classes.placeKeys}>
                    <Keys keys={['G', key.toUpperCase()]} />
                  </span>
                </Link>
              </li>
            ))}
          </ul>
        </nav>
      </AppShell.Navbar>
      <AppShell.Main id="content" className={classes.main}>
        {link === 'lost' && (
          <div className={classes.lost}>
            <Notice tone="warn" role="status">
              {strings.header.lostLong[host]}
            </Notice>
          </div>
        )}
        {banner}
        <Outlet />
      </AppShell.Main>
      {palette.element}
      <HelpDialog host={host} places={places} opened={helpOpen} onClose={help.close} />
    </AppShell>
  );
}

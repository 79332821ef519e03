import { AppShell, Burger, Group } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import {
  IconActivity,
  IconDatabase,
  IconHandStop,
  IconKey,
  IconListDetails,
  IconShieldCheck,
} from '@tabler/icons-react';
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect } from 'react';
import type { GatewayStatus } from '../../../gateway/contract/api.ts';
import { useGatewayEvents, useLinkState } from '../api/events.ts';
import { isTyping, Keys } from '../components/keys.tsx';
import { Notice } from '../components/tone.tsx';
import { strings } from '../strings.ts';
import { GatewayState } from './gateway-state.tsx';
import { HelpDialog } from './help-dialog.tsx';
import classes from './shell.module.css';
import { ShellMenu } from './shell-menu.tsx';

const PLACES = [
  { to: '/approvals', key: 'a', name: strings.nav.approvals, icon: IconHandStop },
  { to: '/grants', key: 'g', name: strings.nav.grants, icon: IconKey },
  { to: '/sessions', key: 's', name: strings.nav.sessions, icon: IconListDetails },
  { to: '/connections', key: 'c', name: strings.nav.connections, icon: IconDatabase },
  { to: '/policy', key: 'p', name: strings.nav.policy, icon: IconShieldCheck },
  { to: '/settings', key: 't', name: strings.nav.settings, icon: IconActivity },
] as const;

/** "g" and a letter goes to a page. */
const GO_WITHIN_MS = 1500;

export function Shell({ status }: { status: GatewayStatus }) {
  useGatewayEvents();
  const link = useLinkState();
  const [menuOpen, menu] = useDisclosure(false);
  const [helpOpen, help] = useDisclosure(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const navigate = useNavigate();

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the menu.
  useEffect(() => menu.close(), [path]);

  useEffect(() => {
    let wentAt = 0;
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === '?') help.open();
      const place = PLACES.find((candidate) => candidate.key === event.key);
      if (place !== undefined && Date.now() - wentAt < GO_WITHIN_MS) {
        wentAt = 0;
        void navigate({ to: place.to });
      } else wentAt = event.key === 'g' ? Date.now() : 0;
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [navigate, help.open]);

  return (
    <AppShell header={{ height: 56 }} navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !menuOpen } }}>
      <a href="#content" className={classes.skip}>
        {strings.skipToContent}
      </a>
      <AppShell.Header className={classes.header}>
        <Group gap="xs" wrap="nowrap">
          <Burger opened={menuOpen} onClick={menu.toggle} hiddenFrom="sm" size="sm" aria-label={strings.nav.menu} />
          <Link to="/approvals" className={classes.brand}>
            <img src="/favicon.svg" alt="" width={26} height={26} />
            <span className={classes.brandName}>{strings.product}</span>
          </Link>
        </Group>
        <Group gap={6} wrap="nowrap" className={classes.right}>
          <GatewayState status={status} link={link} />
          <ShellMenu openHelp={help.open} />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes.navbar}>
        <nav aria-label={strings.nav.label}>
          <ul className={classes.places}>
            {PLACES.map(({ to, key, name, icon: Icon }) => (
              <li key={to}>
                <Link
                  to={to}
                  className={classes.place}
                  activeProps={{ className: classes.active, 'aria-current': 'page' }}
                  activeOptions={{ exact: false, includeSearch: false }}
                >
                  <Icon size={19} stroke={1.8} aria-hidden />
                  <span>{name}</span>
                  {to === '/approvals' && status.waiting > 0 && (
                    <span className={classes.count}>
                      {status.waiting}
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
              {strings.header.lostLong}
            </Notice>
          </div>
        )}
        <Outlet />
      </AppShell.Main>
      <HelpDialog opened={helpOpen} onClose={help.close} />
    </AppShell>
  );
}

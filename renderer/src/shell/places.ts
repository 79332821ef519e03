import {
  IconBellSearch,
  IconBook,
  IconChartBar,
  IconDatabase,
  IconDevices,
  IconFileImport,
  IconFileText,
  IconHandStop,
  IconHome,
  IconKey,
  IconListDetails,
  IconListSearch,
  IconSettings,
  IconShieldCheck,
  IconStack2,
  IconTool,
} from '@tabler/icons-react';
import { strings } from '../strings.ts';

const t = strings.nav;

/** Pages of the menu; "g" and the key goes to one. */
export const GATEWAY_PLACES = [
  { to: '/', key: 'h', name: t.home, icon: IconHome },
  { to: '/approvals', key: 'a', name: t.approvals, icon: IconHandStop },
  { to: '/grants', key: 'g', name: t.grants, icon: IconKey },
  { to: '/sessions', key: 's', name: t.sessions, icon: IconListDetails },
  { to: '/connections', key: 'c', name: t.connections, icon: IconDatabase },
  { to: '/mcp', key: 'm', name: t.mcp, icon: IconTool },
  { to: '/policy', key: 'p', name: t.policy, icon: IconShieldCheck },
  { to: '/insights', key: 'i', name: t.insights, icon: IconChartBar },
  { to: '/evidence', key: 'e', name: t.evidence, icon: IconStack2 },
  { to: '/settings', key: 't', name: t.settings, icon: IconSettings },
] as const;

/** Of whoever has no role that reads sessions. */
export const PLACES_OF_NO_READER = GATEWAY_PLACES.filter(
  ({ to }) => to !== '/sessions' && to !== '/insights',
) as unknown as readonly [Place, ...Place[]];

export const AUDIT_PLACES = [
  { to: '/devices', key: 'd', name: t.devices, icon: IconDevices },
  { to: '/imports', key: 'i', name: t.imports, icon: IconFileImport },
  { to: '/audit/sessions', key: 's', name: t.sessions, icon: IconListSearch },
  { to: '/alerts', key: 'a', name: t.alerts, icon: IconBellSearch },
  { to: '/report', key: 'r', name: t.report, icon: IconFileText },
  { to: '/log', key: 'l', name: t.log, icon: IconBook },
] as const;

export type Place = (typeof GATEWAY_PLACES)[number] | (typeof AUDIT_PLACES)[number];

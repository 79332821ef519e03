/** Every page of a gateway's console, as tests look at it. A route that is not here fails screenshots.e2e.ts. */
export interface ConsolePageOf {
  /** Of the picture. */
  name: string;
  path: string;
  /** A text that is there once the page is. */
  ready: string;
  /** Which double of the gateway: with a week of data, fresh, before anybody signed in, or asked by an agent. */
  gateway: 'full' | 'empty' | 'signed-out' | 'agent' | 'trouble';
  /** Only in windows this wide; default: 1280 and 360. */
  widths?: readonly number[];
  height?: number;
  /** The whole page, not what the window shows. */
  whole?: boolean;
}

const popup = { widths: [360], height: 560 } as const;

export const PAGES: readonly ConsolePageOf[] = [
  { name: 'home', path: '/', ready: 'approved by a person', gateway: 'full', whole: true },
  { name: 'home-fresh', path: '/', ready: 'Set up in a minute', gateway: 'empty', whole: true },
  { name: 'home-trouble', path: '/', ready: 'alice paused it', gateway: 'trouble', whole: true },
  { name: 'welcome', path: '/welcome', ready: 'No connection yet', gateway: 'empty', whole: true },
  { name: 'welcome-approval', path: '/welcome', ready: 'UPDATE', gateway: 'full', whole: true },
  { name: 'approvals', path: '/approvals', ready: 'UPDATE', gateway: 'full' },
  { name: 'approval-pin', path: '/approvals?id=a-delete', ready: 'Deletes every row', gateway: 'full' },
  { name: 'approval-hostile', path: '/approvals?id=a-hostile', ready: 'U+202E', gateway: 'full' },
  { name: 'approval-change', path: '/approvals?id=a-change', ready: '2 lines added', gateway: 'agent' },
  { name: 'approvals-empty', path: '/approvals', ready: 'Nothing is waiting', gateway: 'empty' },
  { name: 'popup', path: '/popup', ready: 'UPDATE', gateway: 'full', ...popup },
  { name: 'popup-pin', path: '/popup?id=a-delete', ready: 'Deletes every row', gateway: 'full', ...popup },
  { name: 'popup-command', path: '/popup', ready: 'backfill', gateway: 'agent', ...popup },
  { name: 'popup-change', path: '/popup?id=a-change', ready: '2 lines added', gateway: 'agent', ...popup },
  { name: 'popup-call', path: '/popup?id=a-call', ready: 'create_issue', gateway: 'agent', ...popup },
  { name: 'popup-paused', path: '/popup', ready: 'went unanswered', gateway: 'trouble', ...popup },
  { name: 'popup-empty', path: '/popup', ready: 'Nothing is waiting', gateway: 'empty', ...popup },
  { name: 'grants', path: '/grants', ready: 'in this session', gateway: 'full' },
  { name: 'sessions', path: '/sessions', ready: '240 sessions', gateway: 'full' },
  { name: 'sessions-empty', path: '/sessions', ready: 'No sessions yet', gateway: 'empty' },
  { name: 'session', path: '/sessions/S0002?at=3', ready: 'UPDATE 1', gateway: 'full' },
  { name: 'session-result', path: '/sessions/S0000?at=2', ready: 'Ada Novak', gateway: 'full' },
  { name: 'conversation', path: '/sessions/A0001?at=3', ready: 'expected 30, got 10', gateway: 'full' },
  { name: 'connections', path: '/connections', ready: 'billing-staging', gateway: 'full' },
  { name: 'connection-new', path: '/connections/new', ready: 'Sensitive columns', gateway: 'full', whole: true },
  { name: 'connection-form', path: '/connections/demo', ready: 'Sensitive columns', gateway: 'full', whole: true },
  { name: 'policy', path: '/policy', ready: 'allow-reads', gateway: 'full' },
  { name: 'insights', path: '/insights', ready: 'Asked most', gateway: 'full', whole: true },
  { name: 'evidence', path: '/evidence', ready: 'denied 5 destructive', gateway: 'full', whole: true },
  { name: 'evidence-empty', path: '/evidence', ready: 'No SIEM gets', gateway: 'empty', whole: true },
  { name: 'mcp', path: '/mcp', ready: 'Described otherwise now', gateway: 'full', whole: true },
  { name: 'mcp-empty', path: '/mcp', ready: 'No MCP server yet', gateway: 'empty', whole: true },
  { name: 'settings', path: '/settings', ready: 'Recording works', gateway: 'full', whole: true },
  { name: 'settings-fresh', path: '/settings', ready: 'No PIN is set', gateway: 'empty', whole: true },
  { name: 'settings-signed-out', path: '/settings', ready: 'nobody is signed in', gateway: 'trouble', whole: true },
  { name: 'login', path: '/', ready: 'One-time code', gateway: 'signed-out' },
  { name: 'nowhere', path: '/nowhere', ready: 'There is no such page', gateway: 'full' },
];

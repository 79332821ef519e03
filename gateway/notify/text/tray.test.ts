import { describe, expect, it } from 'vitest';
import type { Session } from '../../contract/session.ts';
import type { GatewayStatus } from '../../contract/status.ts';
import { testApproval } from '../test-notifications.ts';
import { type TrayItem, type TrayState, trayIcon, trayMenu, trayTooltip } from './tray.ts';

const status = (changes: Partial<GatewayStatus> = {}) =>
  ({
    protection: 'protected',
    recorder: { ok: true, error: null, bytes: 0 },
    policy: { hash: 'a', staged: null, error: null },
    openSessions: 2,
    halt: null,
    ...changes,
  }) as GatewayStatus;
const state = (changes: Partial<TrayState> = {}): TrayState => ({
  status: status(),
  sentence: '',
  waiting: [],
  sessions: [],
  host: { quits: true, hasPopup: true, autostart: false },
  ...changes,
});
const halt = (kind: 'pause' | 'panic') => ({
  kind,
  since: '2026-01-05T10:00:00.000Z',
  until: null,
  by: 'Ada',
  sentence: `Ada did a ${kind}`,
});
const broken = status({ recorder: { ok: false, error: 'the disk is full', bytes: 0 } });
const all = (items: readonly TrayItem[]): TrayItem[] =>
  items.flatMap((item) => (item.kind === 'menu' ? [item, ...all(item.items)] : [item]));
const labels = (items: readonly TrayItem[]) => all(items).map((item) => ('label' in item ? item.label : '—'));

describe('the icon and what it says in words', () => {
  it.each([
    [
      'stopped',
      state({ status: null, sentence: 'the port is taken' }),
      'Countersign is not running: the port is taken',
    ],
    [
      'broken',
      state({ status: broken, waiting: [testApproval()] }),
      'Countersign: cannot record, so nothing is forwarded, 1 request waits for you, 2 open sessions',
    ],
    [
      'broken',
      state({ status: status({ policy: { hash: 'a', staged: null, error: 'x' } }) }),
      'Countersign: the policy cannot be used, so nothing is forwarded, 2 open sessions',
    ],
    [
      'halted',
      state({ status: status({ halt: halt('panic') }) }),
      'Countersign: every connection is cut, 2 open sessions',
    ],
    [
      'waiting',
      state({ waiting: [testApproval(), testApproval()], status: status({ protection: 'unprotected' }) }),
      'Countersign: 2 requests wait for you, 2 open sessions, unprotected',
    ],
    [
      'unprotected',
      state({ status: status({ protection: 'unprotected', openSessions: 1 }) }),
      'Countersign: 1 open session, unprotected',
    ],
    ['running', state(), 'Countersign: 2 open sessions'],
  ] as const)('%s', (icon, now, tooltip) => {
    expect([trayIcon(now), trayTooltip(now)]).toEqual([icon, tooltip]);
    expect(trayMenu(now)[0]).toEqual({ kind: 'words', label: tooltip });
  });
});

describe('the menu', () => {
  it('shows what waits with Open and Deny, and counts the rest', () => {
    const waiting = Array.from({ length: 8 }, (_, i) => testApproval({ id: `A${i}` }));
    const menu = trayMenu(state({ waiting }));
    const requests = menu.filter((item) => item.kind === 'menu' && item.label.includes('→'));
    expect(requests.length).toBe(5);
    expect(requests[0]).toMatchObject({
      items: [
        { label: 'Open', action: { do: 'open', path: '/approvals/A0' } },
        { label: 'Deny', action: { do: 'deny', approvalId: 'A0', digest: waiting[0]?.operation.digest } },
      ],
    });
    expect(labels(menu)).toContain('3 more …');
  });

  it('has nothing in any state that gives leave', () => {
    const states = [
      state({ waiting: [testApproval()] }),
      state({ status: status({ halt: halt('pause') }), waiting: [testApproval()] }),
      state({ status: status({ halt: halt('panic') }) }),
      state({ status: null }),
      state({ status: broken }),
    ];
    const actions = states.flatMap((now) =>
      all(trayMenu(now)).flatMap((item) => (item.kind === 'action' ? [item.action.do] : [])),
    );
    expect([...new Set(actions)].sort()).toEqual(['autostart', 'deny', 'open', 'panic', 'pause', 'popup', 'quit']);
  });

  it('says who halted it, and where a person resumes', () => {
    const paused = labels(trayMenu(state({ status: status({ halt: halt('pause') }) })));
    expect(paused).toEqual(expect.arrayContaining(['Ada did a pause', 'Resume, with the PIN …', 'Panic']));
    const panicked = labels(trayMenu(state({ status: status({ halt: halt('panic') }) })));
    expect(panicked).not.toContain('Panic');
    expect(panicked.some((label) => label.startsWith('Pause'))).toBe(false);
  });

  it('lists recent sessions, with text from outside made harmless', () => {
    const session = {
      id: 'S1',
      state: 'open',
      agent: { pid: 1, name: 'psql\u202e\n"Approve"', parents: [] },
      connectionId: 'demo',
      database: 'shop',
    } as unknown as Session;
    const menu = labels(trayMenu(state({ sessions: Array.from({ length: 9 }, () => session) })));
    expect(menu.filter((label) => label === 'open: psql<202E>⏎"Approve" on demo/shop').length).toBe(5);
    expect(menu).toContain('All sessions');
  });

  it('has no more than its host can do', () => {
    const host = { quits: false, hasPopup: false, autostart: null };
    const menu = labels(trayMenu(state({ host, waiting: [testApproval()] })));
    for (const label of ['Quit …', 'Show what waits', 'Start when I log in']) expect(menu).not.toContain(label);
    expect(menu.at(-1)).toBe('Open the console');
  });
});

import { plural } from '../text/format.ts';

export const grantsStrings = {
  grants: {
    title: 'Grants',
    lead: 'Leave you gave for more than one operation. Each ends by itself.',
    emptyTitle: 'No grants',
    emptyHint: 'When you approve for longer than once, the grant is listed here with the time it has left.',
    active: 'In force',
    past: 'Ended',
    left: (span: string) => `${span} left`,
    untilSession: 'or when its session ends',
    untilLeave: 'or when you lock the screen or leave',
    standing: 'also while you are away',
    reach: { exact: 'Exactly this', pattern: 'Like this, with limits', shape: 'This shape' },
    uses: (n: number) => (n === 0 ? 'not used yet' : `used ${plural(n, 'time')}`),
    by: (who: string) => `given by ${who}`,
    session: 'Session',
    revoke: 'Revoke',
    revoked: 'Revoked',
    ended: 'Ended',
    expired: 'Expired',
  },
} as const;

import { describe, expect, it } from 'vitest';
import { DesktopPath } from '../gateway/contract/desktop.ts';
import { deepLinkAmong, parseDeepLink, pathOf } from './deep-link.ts';

describe('a deep link', () => {
  it.each([
    ['countersign://approval/01ABC-x', '/approvals/01ABC-x'],
    ['countersign://session/01J9ZQ4K7N/', '/sessions/01J9ZQ4K7N'],
  ])('%s opens a page to look at', (link, path) => {
    const found = parseDeepLink(link);
    expect(found && pathOf(found)).toBe(path);
    expect(DesktopPath.safeParse(path).success).toBe(true);
  });

  it.each([
    '',
    'countersign://',
    'countersign://approval',
    'countersign://approval/',
    'countersign://approval/a/b',
    'countersign://approval/a?decision=approve',
    'countersign://approval/a#x',
    'countersign://approval/..',
    'countersign://approval/%2e%2e',
    'countersign://approve/a',
    'countersign://policy/a',
    'Countersign://approval/a',
    ' countersign://approval/a',
    'countersign://approval/a\n',
    'countersign://user@approval/a',
    'https://approval/a',
    `countersign://approval/${'a'.repeat(65)}`,
    null,
    7,
    { toString: () => 'countersign://approval/a' },
  ])('%j is ignored', (link) => {
    expect(parseDeepLink(link)).toBeNull();
  });

  it('is found among arguments, and only when there is one', () => {
    const link = 'countersign://session/a';
    expect(deepLinkAmong(['countersign', '--flag', link])).toEqual({ kind: 'session', id: 'a' });
    expect(deepLinkAmong([link, link])).toBeNull();
    expect(deepLinkAmong(['countersign', '/some/file'])).toBeNull();
  });
});

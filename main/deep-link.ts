export const SCHEME = 'countersign';

/** What a link from outside may open, and nothing else: a page of the console to look at. */
export type DeepLink = { kind: 'approval' | 'session'; id: string };

const LINK = /^countersign:\/\/(approval|session)\/([A-Za-z0-9-]{1,64})\/?$/;

/**
 * Any web page and any program can open such a link, so it decides nothing and carries no text.
 * @returns null for everything that is not exactly `countersign://approval/ID` or `countersign://session/ID`.
 */
export function parseDeepLink(link: unknown): DeepLink | null {
  if (typeof link !== 'string' || link.length > 120) return null;
  const [, kind, id] = LINK.exec(link) ?? [];
  return kind === undefined || id === undefined ? null : { kind: kind as DeepLink['kind'], id };
}

/** On Windows and Linux a link comes as an argument, among those that Chromium puts there. */
export function deepLinkAmong(args: readonly string[]): DeepLink | null {
  const given = args.filter((arg) => arg.startsWith(`${SCHEME}:`));
  return given.length === 1 ? parseDeepLink(given[0]) : null;
}

export const pathOf = ({ kind, id }: DeepLink): string =>
  kind === 'approval' ? `/approvals/${id}` : `/sessions/${id}`;

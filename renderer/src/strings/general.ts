import { plural } from '../text/format.ts';

export const generalStrings = {
  product: 'Countersign',
  loading: 'Loading…',
  retry: 'Try again',
  cancel: 'Cancel',
  close: 'Close',
  copy: 'Copy',
  copied: 'Copied',
  remove: 'Remove',
  never: 'never',
  none: 'none',
  unknown: 'unknown',
  skipToContent: 'Skip to content',

  errors: {
    unreachable:
      'Nothing answers. Is it still running? Start it as before: “countersign start” or, for an auditor, “countersign audit serve”.',
    badStatus: (status: number) => `The gateway answered with status ${status} and no explanation.`,
    badAnswer: (url: string) =>
      `The gateway’s answer to ${url} could not be understood. Is the console of the same version?`,
    unexpected: 'Something went wrong in the console itself. Reload the page; if it stays, please report it.',
    crashed: 'The console stopped at an error of its own',
    reload: 'Reload',
    notFound: 'There is no such page',
    notFoundHint: 'The address may be from an older version. Everything is reachable from the menu.',
  },

  text: {
    special: 'A character that is not visible by itself:',
    truncated: (n: number) => `${plural(n, 'more character')}`,
    showAll: 'Show all',
    moreLines: (n: number) => plural(n, 'more line'),
    diff: (added: number, removed: number) => `${plural(added, 'line')} added, ${plural(removed, 'line')} removed`,
  },
} as const;

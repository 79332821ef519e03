import { count, plural } from '../text/format.ts';

export const popupStrings = {
  popup: {
    console: 'Open in the console',
    leave: 'Leave it waiting',
    show: 'Show',
    stillWaiting: (n: number) => `${plural(n, 'request')} still ${n === 1 ? 'waits' : 'wait'} for you.`,
    emptyHint: 'When an agent asks for something that a person decides, it appears here.',
    moreMissed: (n: number) => `and ${count(n)} more`,
    seen: 'I have seen these',
  },
  halt: {
    label: 'Everything is stopped',
    kinds: { pause: 'Paused', panic: 'Stopped' },
    pin: 'PIN, to go on',
    resume: 'Resume',
  },
} as const;

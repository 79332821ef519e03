import { count } from '../text/format.ts';

export const commandPreviewStrings = {
  commandPreview: {
    title: 'What it would touch',
    loading: 'Looking…',
    failed: 'Nobody could look at the files.',
    nothing: 'Nothing that is there now.',
    undo: 'Undo',
    noUndo: 'What it does is not kept to be undone.',
    more: (n: number) => `and ${count(n)} more`,
    tones: { loss: 'is lost', unknown: 'not known before it runs' },
  },
};

import type { CommandPreview } from '../contract/preview.ts';
import { oneLine } from './visible-text.ts';

const MARK = { plain: ' ', loss: '!', unknown: '?' } as const;

/** What a command would touch, for a terminal. `!` marks what is lost, `?` what is not known. */
export function commandPreviewLines({ state, parts, undo }: CommandPreview): string[] {
  const lines = parts.flatMap(({ tone, sentence, lines: about, more }) => [
    `  ${MARK[tone]} ${oneLine(sentence, 300)}`,
    ...about.slice(0, 10).map((line) => `      ${oneLine(line, 160)}`),
    ...(about.length > 10 || more > 0 ? [`      and ${Math.max(0, about.length - 10) + more} more`] : []),
  ]);
  return [
    `  What it would touch${state === 'loading' ? ' (still looking)' : state === 'failed' ? ': nobody could look' : ', when it was asked'}`,
    ...lines,
    ...(state === 'done' && parts.length === 0 ? ['    Nothing that is there'] : []),
    ...(undo === null ? [] : [`  ${oneLine(undo.sentence, 300)}`]),
  ];
}

import type { ObjectsPreview as Preview, PreviewPart } from '../../../../gateway/contract/preview.ts';
import { CommandPreview } from './command-preview.tsx';

/** What a definition is about: sizes, its lock, and what depends on the objects. */
export function ObjectsPreview({ preview: { state, why, parts, undo } }: { preview: Preview }) {
  const unknown: PreviewPart[] = why === null ? [] : [{ tone: 'unknown', sentence: why, lines: [], more: 0 }];
  return <CommandPreview preview={{ kind: 'command', state, parts: [...unknown, ...parts], undo }} />;
}

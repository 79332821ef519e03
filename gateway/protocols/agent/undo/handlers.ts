import type { ControlHandlers } from '../../../control/handlers.ts';
import type { UndoStore } from './undo-store.ts';

/** What was kept of an action, and its contents for who puts them back. */
export function createUndoHandlers(store: UndoStore): Pick<ControlHandlers, 'undoPlan' | 'undoContents'> {
  return {
    undoPlan({ id, exchange }) {
      const { at, text, kept, left } = store.get(id, exchange);
      const files = kept.files.map(({ content: _, ...file }) => ({ ...file, left: left[file.path] ?? null }));
      return { kind: 'files', text, at, undo: kept.undo, files, pushes: kept.pushes };
    },
    undoContents: ({ id, exchange }) => ({ files: store.get(id, exchange).kept.files }),
  };
}

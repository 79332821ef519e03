import { MergeView, unifiedMergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView, highlightSpecialChars, lineNumbers } from '@codemirror/view';
import { useEffect, useRef } from 'react';
import { cedar } from './cedar-language.ts';
import { editorLook } from './editor-look.ts';
import classes from './policy-diff.module.css';

export interface PolicyDiffProps {
  before: string;
  after: string;
  labels: { before: string; after: string };
  /** Beside each other, or as one column with what goes above what comes. */
  sideBySide: boolean;
}

const COLLAPSED = { margin: 3, minSize: 6 } as const;

/** Two texts and what differs between them; read only. Lazy: it brings CodeMirror's merge view. */
export default function PolicyDiff({ before, after, labels, sideBySide }: PolicyDiffProps) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const common = (label: string) => [
      lineNumbers(),
      highlightSpecialChars(),
      cedar,
      editorLook,
      EditorState.readOnly.of(true),
      EditorView.contentAttributes.of({ 'aria-label': label, 'aria-readonly': 'true' }),
    ];
    if (sideBySide) {
      const merge = new MergeView({
        a: { doc: before, extensions: common(labels.before) },
        b: { doc: after, extensions: common(labels.after) },
        parent: host.current!,
        collapseUnchanged: COLLAPSED,
      });
      return () => merge.destroy();
    }
    const editor = new EditorView({
      parent: host.current!,
      doc: after,
      extensions: [
        common(labels.after),
        unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged: COLLAPSED }),
      ],
    });
    return () => editor.destroy();
  }, [before, after, labels.before, labels.after, sideBySide]);
  return (
    <div className={classes.frame} data-side-by-side={sideBySide}>
      {sideBySide && (
        <div className={classes.heads} aria-hidden>
          <span>{labels.before}</span>
          <span>{labels.after}</span>
        </div>
      )}
      <div ref={host} className={classes.diff} />
    </div>
  );
}

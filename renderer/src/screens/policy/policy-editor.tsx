import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { basicSetup, EditorView } from 'codemirror';
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react';
import type { PolicyProblem } from '../../../../gateway/contract/policy.ts';
import { cedar } from './cedar-language.ts';
import { editorLook } from './editor-look.ts';
import classes from './policy-screen.module.css';

export interface EditorHandle {
  /** Lines and columns from 1; places beyond the text go to its end. */
  goTo(line: number, column: number): void;
  replace(text: string): void;
}

interface Props {
  ref?: Ref<EditorHandle>;
  initial: string;
  label: string;
  /** What is wrong with the text as it is now. */
  problems: readonly PolicyProblem[];
  onChange(text: string): void;
}

function placeIn(editor: EditorView, line: number, column: number): number {
  const at = editor.state.doc.line(Math.min(Math.max(1, line), editor.state.doc.lines));
  return Math.min(at.from + Math.max(1, column) - 1, at.to);
}

/** CodeMirror, loaded when the policy page is opened. It shows control characters by itself. */
export default function PolicyEditor({ ref, initial, label, problems, onChange }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const first = useRef({ initial, label, onChange });
  useEffect(() => {
    const start = first.current;
    const editor = new EditorView({
      parent: host.current!,
      doc: start.initial,
      extensions: [
        basicSetup,
        cedar,
        lintGutter(),
        editorLook,
        EditorView.contentAttributes.of({ 'aria-label': start.label }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) start.onChange(update.state.doc.toString());
        }),
      ],
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);
  useEffect(() => {
    const editor = view.current;
    if (editor === null) return;
    const diagnostics = problems.map(({ line, column, message }): Diagnostic => {
      const from = placeIn(editor, line ?? 1, column ?? 1);
      const word = editor.state.wordAt(from);
      return { from, to: word?.to ?? from, severity: 'error', message };
    });
    diagnostics.sort((a, b) => a.from - b.from);
    editor.dispatch(setDiagnostics(editor.state, diagnostics));
  }, [problems]);
  useImperativeHandle(ref, () => ({
    goTo: (line, column) => {
      const editor = view.current;
      if (editor === null) return;
      const anchor = placeIn(editor, line, column);
      editor.dispatch({
        selection: { anchor },
        effects: EditorView.scrollIntoView(anchor, { y: 'center' }),
      });
      editor.focus();
    },
    replace: (text) => {
      const editor = view.current;
      if (editor === null) return;
      editor.dispatch({
        changes: { from: 0, to: editor.state.doc.length, insert: text },
        selection: { anchor: 0 },
        // Out of sight it paints nothing; this brings its first line, and itself, into view.
        effects: EditorView.scrollIntoView(0, { y: 'start', yMargin: 80 }),
      });
      editor.focus();
    },
  }));
  return <div ref={host} className={classes.editor} />;
}

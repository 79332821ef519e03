import { basicSetup, EditorView } from 'codemirror';
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react';
import { cspNonce } from '../../csp.ts';
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
  onChange(text: string): void;
}

const LOOK = EditorView.theme({
  '&': { backgroundColor: 'transparent', fontSize: '13.5px' },
  '.cm-content': { caretColor: 'var(--mantine-color-text)' },
  '.cm-cursor': { borderLeftColor: 'var(--mantine-color-text)' },
  '.cm-scroller': { fontFamily: 'var(--mantine-font-family-monospace)', lineHeight: '1.55' },
  '.cm-gutters': {
    backgroundColor: 'transparent',
    color: 'var(--cs-muted)',
    borderRight: '1px solid var(--cs-line)',
  },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--cs-line) 45%, transparent)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--cs-info-bg) !important' },
  '&.cm-focused': { outline: 'none' },
});

/** CodeMirror, loaded when the policy page is opened. It shows control characters by itself. */
export default function PolicyEditor({ ref, initial, label, onChange }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const first = useRef({ initial, label, onChange });
  useEffect(() => {
    const start = first.current;
    const editor = new EditorView({
      parent: host.current!,
      doc: start.initial,
      extensions: [
        EditorView.cspNonce.of(cspNonce),
        basicSetup,
        LOOK,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': start.label }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) start.onChange(update.state.doc.toString());
        }),
      ],
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);
  useImperativeHandle(ref, () => ({
    goTo: (line, column) => {
      const editor = view.current;
      if (editor === null) return;
      const at = editor.state.doc.line(Math.min(Math.max(1, line), editor.state.doc.lines));
      editor.dispatch({ selection: { anchor: Math.min(at.from + column - 1, at.to) }, scrollIntoView: true });
      editor.focus();
    },
    replace: (text) => {
      const editor = view.current;
      editor?.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
    },
  }));
  return <div ref={host} className={classes.editor} />;
}

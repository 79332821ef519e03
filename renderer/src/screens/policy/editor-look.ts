import { EditorView } from '@codemirror/view';
import { cspNonce } from '../../csp.ts';

/** What every editor here looks like, in the console's own colours; style elements carry the page's nonce. */
export const editorLook = [
  EditorView.cspNonce.of(cspNonce),
  EditorView.lineWrapping,
  EditorView.theme({
    '&': { backgroundColor: 'transparent', color: 'var(--mantine-color-text)', fontSize: '13.5px' },
    '.cm-content': { caretColor: 'var(--mantine-color-text)' },
    '.cm-cursor': { borderLeftColor: 'var(--mantine-color-text)' },
    '.cm-scroller': { fontFamily: 'var(--mantine-font-family-monospace)', lineHeight: '1.55' },
    '.cm-gutters': {
      backgroundColor: 'transparent',
      color: 'var(--cs-muted)',
      borderRight: '1px solid var(--cs-line)',
    },
    '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--cs-line) 45%, transparent)' },
    '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': {
      backgroundColor: 'var(--cs-info-bg) !important',
    },
    '&.cm-focused': { outline: 'none' },
    '.cm-matchingBracket': { backgroundColor: 'var(--cs-info-bg) !important', outline: '1px solid var(--cs-line)' },
    '.cm-panels, .cm-tooltip': {
      backgroundColor: 'var(--cs-card)',
      color: 'var(--mantine-color-text)',
      borderColor: 'var(--cs-line)',
    },
    '.cm-panels input, .cm-panels button': { color: 'inherit' },
    '.cm-textfield': { backgroundColor: 'var(--cs-code)', borderColor: 'var(--cs-line)' },
    '.cm-button': { backgroundImage: 'none', backgroundColor: 'var(--cs-code)', borderColor: 'var(--cs-line)' },
    '.cm-diagnostic': { padding: '6px 10px', fontFamily: 'var(--mantine-font-family)' },
    '.cm-diagnostic-error': { borderLeft: '4px solid var(--cs-deny)' },
    '.cm-changedLine, .cm-inlineChangedLine': { backgroundColor: 'var(--cs-allow-bg) !important' },
    '&.cm-merge-a .cm-changedLine, .cm-deletedChunk': { backgroundColor: 'var(--cs-deny-bg) !important' },
    // A line, not a colour behind the text: comments are to stay readable on it.
    '.cm-changedText': { background: 'none !important', boxShadow: 'inset 0 -2px var(--cs-allow)' },
    '&.cm-merge-a .cm-changedText, .cm-deletedChunk .cm-deletedText': {
      background: 'none !important',
      boxShadow: 'inset 0 -2px var(--cs-deny)',
    },
    '.cm-changeGutter': { width: '3px' },
    '.cm-changedLineGutter': { background: 'var(--cs-allow) !important' },
    '&.cm-merge-a .cm-changedLineGutter, .cm-deletedLineGutter': { background: 'var(--cs-deny) !important' },
    '.cm-collapsedLines': {
      background: 'var(--cs-code) !important',
      color: 'var(--cs-muted) !important',
    },
    // Their own signs are missing in many fonts.
    '.cm-collapsedLines::before': { content: '"⋯ "', marginInlineEnd: '2px' },
    '.cm-collapsedLines::after': { content: '" ⋯"', marginInlineStart: '2px' },
  }),
];

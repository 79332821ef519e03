import {
  HighlightStyle,
  LanguageSupport,
  StreamLanguage,
  type StringStream,
  syntaxHighlighting,
} from '@codemirror/language';
import { tags } from '@lezer/highlight';

/**
 * Cedar as an editor colours it (docs.cedarpolicy.com, "Grammar"). Strings end at their line: Cedar's do
 * too, and a quote that was not closed yet must not colour the rest of the text.
 */
const KEYWORDS = new Set(['permit', 'forbid', 'when', 'unless', 'if', 'then', 'else', 'in', 'like', 'has', 'is']);
const ATOMS = new Set(['true', 'false', 'principal', 'action', 'resource', 'context']);
const WORD = /[A-Za-z_]\w*/;

export interface CedarState {
  /** After `@`: the annotation's name follows. */
  annotation: boolean;
}

/** The next token's style, in CodeMirror's names; null for what has none. */
export function cedarToken(stream: StringStream, state: CedarState): string | null {
  if (stream.eatSpace()) return null;
  if (stream.match('//')) {
    stream.skipToEnd();
    return 'comment';
  }
  if (stream.match('"')) {
    for (let c = stream.next(); c !== undefined && c !== '"'; c = stream.next()) if (c === '\\') stream.next();
    return 'string';
  }
  if (stream.match('@')) {
    state.annotation = true;
    return 'meta';
  }
  const word = stream.match(WORD) as RegExpMatchArray | null;
  if (word !== null) {
    const [name] = word;
    if (state.annotation) {
      state.annotation = false;
      return 'meta';
    }
    if (KEYWORDS.has(name)) return 'keyword';
    if (ATOMS.has(name)) return 'atom';
    return /^[A-Z]/.test(name) || stream.match('::', false) ? 'typeName' : 'propertyName';
  }
  if (stream.match(/\d+/)) return 'number';
  if (stream.match(/==|!=|<=|>=|&&|\|\||::|[-+*<>!]/)) return 'operator';
  stream.next();
  return null;
}

const language = StreamLanguage.define<CedarState>({
  name: 'cedar',
  startState: () => ({ annotation: false }),
  token: cedarToken,
  languageData: { commentTokens: { line: '//' }, closeBrackets: { brackets: ['(', '[', '{', '"'] } },
});

const look = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--cs-sql-keyword)', fontWeight: '600' },
  { tag: tags.atom, color: 'var(--cs-sql-keyword)' },
  { tag: tags.string, color: 'var(--cs-sql-string)' },
  { tag: tags.number, color: 'var(--cs-sql-number)' },
  { tag: tags.meta, color: 'var(--cs-sql-number)' },
  { tag: tags.comment, color: 'var(--cs-sql-comment)', fontStyle: 'italic' },
  { tag: tags.typeName, fontWeight: '600' },
]);

export const cedar = new LanguageSupport(language, syntaxHighlighting(look));

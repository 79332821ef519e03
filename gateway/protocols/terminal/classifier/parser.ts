import treeSitter, { type TreeCursor, type Parser as TreeSitter } from '@vscode/tree-sitter-wasm';

/** A node of the syntax tree; `start` and `end` count UTF-16 units of the text that was parsed. */
export interface ShellNode {
  type: string;
  field: string | null;
  named: boolean;
  start: number;
  end: number;
  children: ShellNode[];
}

export type ShellParse = { ok: true; root: ShellNode; errors: boolean } | { ok: false; why: string };

export interface ShellParser {
  /** Never throws. `errors`: the grammar had to guess. */
  parse(text: string): ShellParse;
}

const MAX_NODES = 20_000;
const MAX_TREE_DEPTH = 150;

/** tree-sitter's Bash grammar, from the package that carries runtime and grammar built for each other. */
export async function createShellParser(): Promise<ShellParser> {
  await treeSitter.Parser.init();
  const grammar = new URL(import.meta.resolve('@vscode/tree-sitter-wasm/wasm/tree-sitter-bash.wasm'));
  const language = await treeSitter.Language.load(decodeURIComponent(grammar.pathname).replace(/^\/([A-Za-z]:)/, '$1'));
  const parser: TreeSitter = new treeSitter.Parser();
  parser.setLanguage(language);
  return {
    parse(text) {
      try {
        const tree = parser.parse(text);
        if (tree === null) return { ok: false, why: 'the shell grammar gave no tree' };
        const cursor = tree.walk();
        try {
          const root = copied(cursor, { nodes: MAX_NODES }, 0);
          return root === null
            ? { ok: false, why: 'it is too long or nested too deeply' }
            : { ok: true, root, errors: tree.rootNode.hasError };
        } finally {
          cursor.delete();
          tree.delete();
        }
      } catch {
        parser.reset();
        return { ok: false, why: 'the shell grammar could not read it' };
      }
    },
  };
}

function copied(cursor: TreeCursor, budget: { nodes: number }, depth: number): ShellNode | null {
  budget.nodes -= 1;
  if (budget.nodes < 0 || depth > MAX_TREE_DEPTH) return null;
  const node: ShellNode = {
    type: cursor.nodeType,
    field: cursor.currentFieldName,
    named: cursor.nodeIsNamed,
    start: cursor.startIndex,
    end: cursor.endIndex,
    children: [],
  };
  if (!cursor.gotoFirstChild()) return node;
  do {
    const child = copied(cursor, budget, depth + 1);
    if (child === null) return null;
    node.children.push(child);
  } while (cursor.gotoNextSibling());
  cursor.gotoParent();
  return node;
}

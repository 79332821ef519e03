/// <reference path="./libpg-query.d.ts" />
import PgQueryModule, { type PgQueryInstance } from 'libpg-query/wasm/libpg-query.js';
import { list, type Tree } from './tree.ts';

export type ParseOutcome =
  | { ok: true; statements: readonly Tree[] }
  /** `syntax`: the server's own parser rejects the text. Otherwise the parser could not do its work. */
  | { ok: false; syntax: boolean; message: string };

export interface Parser {
  /** Never throws. */
  parse(text: string): ParseOutcome;
  /** The text with literals replaced by $n; null where the parser cannot tell. */
  normalize(text: string): string | null;
  /** Instances that died and were replaced. */
  readonly respawns: number;
}

/** What can be wrong with a text that is no syntax error of it. */
const PARSER_LIMITS = /memory exhausted|out of memory|stack depth/i;

/**
 * PostgreSQL 18's parser in WASM. Any failure that is not the parser's own error may leave the
 * instance broken (deep input does after a while), so it is discarded and a spare takes over.
 */
export async function createParser(): Promise<Parser> {
  let live: PgQueryInstance | null = await PgQueryModule();
  let spare: PgQueryInstance | null = await PgQueryModule();
  let loading = false;
  let respawns = 0;

  const refill = (): void => {
    if (loading || (live !== null && spare !== null)) return;
    loading = true;
    PgQueryModule()
      .then((instance) => {
        if (live === null) live = instance;
        else spare = instance;
      })
      .catch(() => undefined)
      .finally(() => {
        loading = false;
      });
  };

  const discard = (): void => {
    respawns += 1;
    live = spare;
    spare = null;
    refill();
  };

  return {
    parse(text) {
      if (live === null) {
        refill();
        return { ok: false, syntax: false, message: 'the SQL parser is restarting' };
      }
      try {
        return parseWith(live, text);
      } catch {
        discard();
        return { ok: false, syntax: false, message: 'the statement is nested too deeply for the SQL parser' };
      } finally {
        if (spare === null) refill();
      }
    },
    normalize(text) {
      if (live === null) return null;
      try {
        return normalizeWith(live, text);
      } catch {
        discard();
        return null;
      }
    },
    get respawns() {
      return respawns;
    },
  };
}

function withText<T>(instance: PgQueryInstance, text: string, run: (pointer: number) => T): T {
  const bytes = instance.lengthBytesUTF8(text) + 1;
  const pointer = instance._malloc(bytes);
  if (pointer === 0) throw new Error('out of memory');
  try {
    instance.stringToUTF8(text, pointer, bytes);
    return run(pointer);
  } finally {
    instance._free(pointer);
  }
}

function parseWith(instance: PgQueryInstance, text: string): ParseOutcome {
  return withText(instance, text, (pointer) => {
    const result = instance._wasm_parse_query_raw(pointer);
    if (result === 0) throw new Error('no result');
    try {
      // struct PgQueryParseResult { char *parse_tree; char *stderr_buffer; PgQueryError *error; }
      const error = instance.getValue(result + 8, 'i32');
      if (error !== 0) {
        const message = instance.UTF8ToString(instance.getValue(error, 'i32'));
        return { ok: false, syntax: !PARSER_LIMITS.test(message), message };
      }
      const tree = instance.getValue(result, 'i32');
      if (tree === 0) throw new Error('no tree');
      const parsed = JSON.parse(instance.UTF8ToString(tree)) as Tree;
      return { ok: true, statements: list(parsed, 'stmts').map((raw) => raw.stmt as Tree) };
    } finally {
      instance._wasm_free_parse_result(result);
    }
  });
}

function normalizeWith(instance: PgQueryInstance, text: string): string | null {
  return withText(instance, text, (pointer) => {
    const result = instance._wasm_normalize_query(pointer);
    if (result === 0) return null;
    const out = instance.UTF8ToString(result);
    instance._wasm_free_string(result);
    return /^(syntax error|deparse error|ERROR)/.test(out) ? null : out;
  });
}

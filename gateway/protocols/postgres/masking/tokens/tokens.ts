import type { ColumnTag } from '../../../../contract/connection.ts';
import type { TokenTable } from '../../../../masking/token-table.ts';
import {
  type ColumnTokens,
  createColumnTokens,
  looksLikeToken,
  MAX_TOKEN,
  mayHoldToken,
  tokenKey,
  uuidText,
} from '../../../../masking/tokens.ts';
import type { ParseOutcome } from '../../classifier/parser.ts';
import { formatAt, readBind } from '../../codec/frontend.ts';
import type { BoundValues, CatalogSnapshot, PutTokens, Tokens, TokensFound } from '../../ports.ts';
import { mapArrayBinary, mapArrayText } from '../structures.ts';
import { findPlaces, type Literal, type Place, type Places } from './places.ts';
import { type Edit, rewrite } from './rewrite.ts';
import { nameOf } from './scope.ts';

export interface TokenOptions {
  tags: readonly ColumnTag[];
  /** 32 bytes, the connection's. */
  key: Uint8Array;
  scope: readonly string[];
  table: TokenTable;
  parse(text: string): ParseOutcome;
}

/** In one message; each costs a few microseconds. */
const MAX_PUT = 1000;
/** Characters of a statement with tokens: it is read where it holds up the other sessions. */
const MAX_TEXT = 64 * 1024;
/** Larger parameters are not looked into for an array of tokens. */
const MAX_ARRAY = 1024 * 1024;
/** Columns whose UUIDs are tried for one that stands where no value is put in. */
const MAX_TRIED = 64;
/** Any column may be cast to this by its own input function, so a value in text is read as the column's type. */
const TEXT_TYPES: ReadonlySet<number> = new Set([0, 25, 705, 1042, 1043, 2950]);
const ARRAY_TYPES: ReadonlySet<number> = new Set([0, 705, 1009, 1014, 1015, 2951]);

const decoder = new TextDecoder();

/** A token that cannot be used as it was; the message is for the agent. */
class Refusal extends Error {}

export function createTokens(options: TokenOptions): Tokens & { of(tag: ColumnTag): ColumnTokens } {
  const tags = options.tags.filter(({ action }) => action === 'token');
  const key = tokenKey(options.key, options.scope);
  const columns = new Map<string, ColumnTokens>();

  function of(tag: ColumnTag): ColumnTokens {
    const name = nameOf(tag);
    let known = columns.get(name);
    if (known === undefined) {
      known = createColumnTokens(key, [tag.schema, tag.table, tag.column], options.table);
      columns.set(name, known);
    }
    return known;
  }

  /** @returns the value; null where the text is no token but a UUID like others. */
  function open(token: string, tag: ColumnTag): Uint8Array | null {
    if (token.startsWith('tok_')) {
      const value = of(tag).openText(token);
      if (value === null)
        throw new Refusal(`${short(token)} is no token of ${nameOf(tag)} in this conversation; ${AGAIN}`);
      return value;
    }
    const opened = of(tag).openUuid(token);
    if (opened.kind === 'forgotten') throw new Refusal(`the value behind ${token} is not at hand any more; ${AGAIN}`);
    return opened.kind === 'value' ? Buffer.from(opened.value, 'latin1') : null;
  }

  /** It stands where no value is put in: would the agent take it for one? */
  function misplaced(token: string): boolean {
    return token.startsWith('tok_') || tags.slice(0, MAX_TRIED).some((tag) => of(tag).openUuid(token).kind !== 'none');
  }

  function search(
    text: string,
    catalog: CatalogSnapshot,
    types: readonly number[],
    bind: BindValues | null,
  ): TokensFound {
    if (text.length > MAX_TEXT)
      throw new Refusal(`a token stands in a statement that is too long for it; ${AS_PARAMETER}`);
    // A NUL ends the text for the parser, and the server refuses it.
    const parsed = text.includes('\u0000') ? null : options.parse(text);
    if (!parsed?.ok) return null;
    const { statements } = parsed;
    const sql = Buffer.from(text);
    const put = new Puts();
    for (const statement of statements) {
      const places = findPlaces(statement, sql, catalog);
      if (places === null) return null;
      const alone = statements.length === 1;
      if (alone) put.next = Math.max(types.length, bind?.count ?? 0, ...places.uses.keys()) + 1;
      for (const literal of places.strings) literalIn(literal, alone ? places : null, sql, put);
      if (bind !== null) for (const value of bind.values) parameterIn(value, places, types, put);
    }
    return put.done(sql);
  }

  function literalIn(literal: Literal, places: Places | null, sql: Buffer, put: Puts): void {
    const { value: token, at } = literal;
    if (!looksLikeToken(token)) return;
    const place = places?.literals.get(at);
    const written = sql.toString('latin1', at, at + token.length + 2) === `'${token}'`;
    if (place === undefined || !written) {
      if (!literal.shown && misplaced(token))
        throw new Refusal(`${short(token)} ${places === null ? ALONE : ELSEWHERE}`);
      return;
    }
    const value = open(token, place.column.tag);
    if (value === null) return;
    put.edits.push({ at, length: token.length + 2, insert: `$${put.next + put.hidden.length}` });
    put.hidden.push(value);
    put.count(place, token, value);
  }

  function parameterIn(given: BoundValue, places: Places, types: readonly number[], put: Puts): void {
    const { index, format, value } = given;
    const found = places.parameters.get(index + 1) ?? [];
    const first = found[0];
    const only =
      first !== undefined &&
      found.length === places.uses.get(index + 1) &&
      found.every(({ column, array }) => column.tag === first.column.tag && array === first.array);
    if (only && first.array) {
      if (!mayHoldTokens(value, format)) return;
      if (!ARRAY_TYPES.has(types[index] ?? 0)) throw new Refusal(`an array of tokens ${WRONG_TYPE}`);
      const leaf = (element: Uint8Array) => {
        const token = scalar(element, format);
        const opened = token === null ? null : open(token, first.column.tag);
        if (token === null || opened === null) return undefined;
        put.count(first, token, opened);
        return format === 'binary' && element.length === 16 ? uuidBytes(opened) : opened;
      };
      const map =
        format === 'binary'
          ? mapArrayBinary(value, 0, value.length, leaf)
          : mapArrayText(value, 0, value.length, 25, leaf);
      if (map) put.parameters.set(index, map);
      if (map) for (const place of found) put.sureOf(place);
      return;
    }
    const token = scalar(value, format);
    if (token === null) return;
    if (!only) {
      if (misplaced(token)) throw new Refusal(`${short(token)} ${ELSEWHERE}`);
      return;
    }
    const opened = open(token, first.column.tag);
    if (opened === null) return;
    if (!TEXT_TYPES.has(types[index] ?? 0)) throw new Refusal(`${short(token)} ${WRONG_TYPE}`);
    put.parameters.set(index, format === 'binary' && value.length === 16 ? uuidBytes(opened) : opened);
    put.count(first, token, opened);
    for (const place of found) put.sureOf(place);
  }

  const guarded = (find: () => TokensFound): TokensFound => {
    try {
      return find();
    } catch (error) {
      if (error instanceof Refusal) return { refused: error.message };
      throw error;
    }
  };

  return {
    of,
    inText: (text, catalog) => (mayHoldToken(text) ? guarded(() => search(text, catalog, [], null)) : null),
    inBind(text, catalog, types, body) {
      const bind = valuesOf(body);
      if (bind.values.length === 0 && !mayHoldToken(text)) return null;
      return guarded(() => search(text, catalog, types, bind));
    },
    mayBind: (body) => valuesOf(body).values.length > 0,
  };
}

const AGAIN = 'read the row again, or use the value itself';
const ELSEWHERE =
  'is a token: the value that it stands for is put in only where one plain SELECT, INSERT, UPDATE or DELETE compares it by = or <> with the very column that it came from, or gives it to that column';
const AS_PARAMETER = 'send the tokens as parameters of a shorter one';
const ALONE = 'is a token: send what it is for as a statement of its own';
const WRONG_TYPE = 'has to be sent as text, or as the type of the column that it came from';

/** A parameter that may be or hold a token. */
interface BoundValue {
  index: number;
  format: 'text' | 'binary';
  value: Uint8Array;
}

interface BindValues {
  count: number;
  values: readonly BoundValue[];
}

function valuesOf(body: Uint8Array): BindValues {
  const { parameters, parameterFormats } = readBind(body, 0, body.length);
  const values: BoundValue[] = [];
  parameters.forEach(({ start, length }, index) => {
    if (length < 16 || length > MAX_ARRAY) return;
    const value = body.subarray(start, start + length);
    const format = formatAt(parameterFormats, index);
    if (scalar(value, format) !== null || mayHoldTokens(value, format)) values.push({ index, format, value });
  });
  return { count: parameters.length, values };
}

/** The text of a value that may be a token. */
function scalar(value: Uint8Array, format: 'text' | 'binary'): string | null {
  if (value.length > MAX_TOKEN) return null;
  const text = format === 'binary' && value.length === 16 ? uuidText(value) : decoder.decode(value);
  return looksLikeToken(text) ? text : null;
}

/** An array with a token among its elements; of UUIDs in binary that cannot be told without reading it. */
function mayHoldTokens(value: Uint8Array, format: 'text' | 'binary'): boolean {
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
  if (mayHoldToken(text)) return true;
  let some = false;
  if (format === 'binary' && value.length >= 36 && value[3] === 1 && value[10] === 0x0b && value[11] === 0x86) {
    mapArrayBinary(value, 0, value.length, (element) => {
      some ||= scalar(element, 'binary') !== null;
      return undefined;
    });
  }
  return some;
}

function uuidBytes(text: Uint8Array): Uint8Array {
  return Buffer.from(decoder.decode(text).replaceAll('-', ''), 'hex');
}

function short(token: string): string {
  return token.length > 40 ? `${token.slice(0, 12)}…${token.slice(-4)}` : token;
}

/** What is put into one message. */
class Puts {
  readonly edits: Edit[] = [];
  readonly hidden: Uint8Array[] = [];
  readonly parameters = new Map<number, Uint8Array>();
  /** The first parameter that the client does not know of, from 1. */
  next = 1;
  readonly #tags = new Map<ColumnTag, { count: number; token: string }>();
  readonly #opened: string[] = [];
  #count = 0;

  count(place: Place, token: string, value: Uint8Array): void {
    this.#opened.push(decoder.decode(value));
    this.#count += 1;
    if (this.#count > MAX_PUT) throw new Refusal(`more than ${MAX_PUT} tokens in one statement; send them in several`);
    const { tag } = place.column;
    const known = this.#tags.get(tag);
    if (known === undefined) this.#tags.set(tag, { count: 1, token });
    else known.count += 1;
    this.sureOf(place);
  }

  /** What the server could read as another table or another type is named in full. */
  sureOf({ column, castAt }: Place): void {
    const { unqualified } = column.table;
    if (unqualified !== null) {
      const schema = `"${unqualified.schema.replaceAll('"', '""')}".`;
      this.edits.push({ at: unqualified.at, length: 0, insert: schema });
    }
    if (castAt !== null) this.edits.push({ at: castAt, length: 0, insert: 'pg_catalog.' });
  }

  done(sql: Buffer): PutTokens | null {
    if (this.#count === 0) return null;
    const values: BoundValues = { hidden: this.hidden, parameters: this.parameters };
    const words = [...this.#tags].map(([tag, { count, token }]) =>
      count === 1
        ? `The token ${short(token)} stands for a value of ${nameOf(tag)}`
        : `${count} tokens stand for values of ${nameOf(tag)}`,
    );
    return {
      refused: null,
      ...rewrite(sql, this.edits),
      values,
      opened: this.#opened,
      words,
      tags: [...this.#tags.keys()],
      count: this.#count,
    };
  }
}

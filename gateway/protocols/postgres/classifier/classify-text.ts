import type { ColumnTag } from '../../../contract/connection.ts';
import type { Classification, ClassifyContext, OutputTaint } from '../ports.ts';
import { Analysis, CLEAN, type QueryShape, TooDeep } from './analysis.ts';
import { dataChange } from './changes.ts';
import { copyOptions } from './copy-options.ts';
import { Knowledge } from './knowledge.ts';
import type { Parser } from './parser.ts';
import { QueryWalker } from './query.ts';
import { shapeText } from './shape.ts';
import { type Names, type Remembered, type StatementResult, statement } from './statements.ts';

export interface Classified {
  classification: Classification;
  /** Every text of that shape has this classification. */
  byShape: boolean;
  /** The same text has it again. */
  byText: boolean;
}

export interface Tools {
  parser: Parser;
  /** SHA-256 of the text's UTF-8 bytes, in hex. */
  sha256(text: string): string;
}

const MAX_SHAPE = 1000;

/** A result has at most 1,664 columns (MaxTupleAttributeNumber): each clean, however many there are. */
const CLEAN_COLUMNS: readonly (readonly ColumnTag[])[] = Array.from({ length: 1664 }, () => []);
const NOTHING: OutputTaint = { columns: CLEAN_COLUMNS, all: [] };

/** What one database's catalog and one connection's tags say, ready for the walk. */
export function knowledgeOf(context: Pick<ClassifyContext, 'connection' | 'catalog'>, parser: Parser): Knowledge {
  return new Knowledge(context.connection, context.catalog, (definition, knowledge) => {
    const parsed = parser.parse(definition);
    const [only] = parsed.ok ? parsed.statements : [];
    if (only === undefined) return null;
    return new QueryWalker(new Analysis(), knowledge, dataChange).query(only, null, true);
  });
}

/** Classifies without any cache. `key` is the text's shape key where the lexer vouches for one. */
export function classifyText(
  sql: string,
  key: string | null,
  context: ClassifyContext,
  knowledge: Knowledge,
  tools: Tools,
): Classified {
  if (sql.includes('\u0000'))
    return refused(
      sql,
      tools,
      knowledge,
      ['unparsable', 'nul'],
      'Holds a NUL character, behind which a parser sees nothing',
    );
  const parsed = tools.parser.parse(sql === '' ? ' ' : sql);
  if (!parsed.ok) {
    const words = parsed.syntax
      ? `Is not SQL that PostgreSQL 18 understands: ${parsed.message}`
      : `Could not be understood: ${parsed.message}`;
    return refused(sql, tools, knowledge, parsed.syntax ? ['unparsable'] : [], words, parsed.syntax);
  }
  const analysis = new Analysis();
  const walker = new QueryWalker(analysis, knowledge, dataChange);
  const results: StatementResult[] = [];
  try {
    const remembered = sessionNames(context);
    for (const node of parsed.statements) results.push(statement(node, walker, remembered));
  } catch (error) {
    if (error instanceof TooDeep || error instanceof RangeError)
      return refused(sql, tools, knowledge, [], 'Is nested too deeply to be understood');
    throw error;
  }
  if (parsed.statements.length > 1) analysis.flag('multi-statement');
  const output = outputOf(results, analysis);
  if (output.columns === null ? output.all.length > 0 : output.columns.some((column) => column.length > 0)) {
    if (results.some((result) => result.rows)) {
      analysis.flag('output-tagged');
      const shown = [...new Set((output.columns ?? [output.all]).flat())].slice(0, 6);
      analysis.detail(`Shows sensitive columns: ${shown.map((tag) => `${tag.table}.${tag.column}`).join(', ')}`);
    }
  }
  noteReads(analysis);
  const copy = copyOptions(parsed.statements);
  // Its options are literals, and the masker reads the stream by them.
  const vouched = !analysis.literalsMatter && copy === null;
  const shape = key !== null ? shapeText(key) : (tools.parser.normalize(sql) ?? sql);
  const fingerprint = tools.sha256(vouched ? `shape\n${shape}` : `text\n${sql}`).slice(0, 16);
  const classification: Classification = {
    effects: {
      class: analysis.class,
      ops: analysis.ops.slice(0, 1000),
      flags: [...analysis.flags],
      reads: analysis.readRefs,
      writes: analysis.writeRefs,
      filtersOn: [...new Set([...[...analysis.filters].map(tagName), ...analysis.adoptedFilters])],
      functions: [...analysis.functions],
      words: analysis.words,
      fingerprint,
      shape: shape.slice(0, MAX_SHAPE),
    },
    output,
    names: analysis.names,
    copy,
  };
  return {
    classification,
    byShape: vouched && !analysis.sessionMatters && key !== null,
    byText: !analysis.sessionMatters,
  };
}

/** Class unknown: nothing is known of what it would do, so every tag may be in what comes back. */
export function refused(
  sql: string,
  tools: Pick<Tools, 'sha256'>,
  knowledge: Pick<Knowledge, 'all'>,
  flags: readonly string[],
  words: string,
  lasting: boolean = false,
): Classified {
  const all = [...knowledge.all];
  return {
    classification: {
      effects: {
        class: 'unknown',
        ops: ['UNKNOWN'],
        flags: ['unknown', ...flags],
        reads: [],
        writes: [],
        filtersOn: [],
        functions: [],
        words: [words],
        fingerprint: tools.sha256(`text\n${sql}`).slice(0, 16),
        shape: sql.slice(0, MAX_SHAPE),
      },
      output: { columns: null, all },
      names: [],
    },
    byShape: false,
    byText: lasting,
  };
}

export function tagName(tag: ColumnTag): string {
  return `${tag.schema}.${tag.table}.${tag.column}`;
}

function outputOf(results: readonly StatementResult[], analysis: Analysis): OutputTaint {
  if (analysis.all.size === 0) return NOTHING;
  const all = [...analysis.all];
  const shapes = results.filter((result) => result.rows).map((result) => result.shape);
  // Beside other statements it is not told which rows are those of what was named.
  const namesTagged = results.some((result) => !result.rows && result.shape.whole.size > 0);
  if (results.length > 1 && namesTagged) return { columns: null, all };
  // What one statement made of tagged columns, the next may read; no catalog shows it yet.
  if (results.length > 1 && analysis.flags.has('copies-tagged') && shapes.length > 0) {
    return { columns: CLEAN_COLUMNS.map(() => all), all };
  }
  // PREPARE and DECLARE send no rows; what they name will have this shape.
  const named = shapes.length === 0 && results.length === 1 ? [results[0]!.shape] : shapes;
  const only = named.length === 1 ? named[0]!.columns : null;
  if (only !== null && only.length > 0) {
    const steady = only.map((column) => column.steady);
    return { columns: only.map((column) => [...column.taint]), steady, all };
  }
  return { columns: named.every((shape) => shape.whole.size === 0) ? CLEAN_COLUMNS : null, all };
}

function noteReads(analysis: Analysis): void {
  const tables = analysis.readRefs.map((ref) => (ref.schema === null ? ref.name : `${ref.schema}.${ref.name}`));
  if (tables.length > 0) {
    const more = tables.length > 8 ? ` and ${tables.length - 8} more` : '';
    analysis.detail(`Reads ${tables.slice(0, 8).join(', ')}${more}`);
  }
  if (analysis.filters.size > 0) {
    const names = [...analysis.filters].slice(0, 6).map((tag) => `${tag.table}.${tag.column}`);
    analysis.detail(`Searches, sorts or computes by sensitive columns: ${names.join(', ')}`);
  }
  if (analysis.words.length === 0) {
    const ops = [...new Set(analysis.ops)].slice(0, 8).join(', ');
    analysis.detail(ops === '' ? 'Does nothing' : analysis.class === 'read' ? 'Computes values' : `Session: ${ops}`);
  }
}

/** Names of the message come before those of the session, as they do on the server. */
function sessionNames(context: ClassifyContext): Names {
  const own = { prepared: new Map<string, QueryShape>(), cursor: new Map<string, QueryShape>() };
  const find = (kind: 'prepared' | 'cursor', name: string): Remembered | null => {
    const shape = own[kind].get(name);
    // Its effects are in this analysis already.
    if (shape !== undefined) return { shape, apply: () => undefined };
    const earlier = context[kind](name);
    if (earlier === null) return null;
    return { shape: shapeOf(earlier), apply: (analysis) => analysis.adopt(earlier.effects) };
  };
  return {
    prepared: (name) => find('prepared', name),
    cursor: (name) => find('cursor', name),
    remember: (kind, name, shape) => own[kind].set(name, shape),
  };
}

function shapeOf(earlier: Classification): QueryShape {
  const { columns, steady, all } = earlier.output;
  if (columns === null) return { columns: null, whole: new Set(all) };
  if (columns === CLEAN_COLUMNS) return { columns: null, whole: CLEAN };
  return {
    columns: columns.map((column, i) => ({
      name: '',
      taint: new Set(column),
      steady: column.length === 0 || steady?.[i] === true,
    })),
    whole: new Set(columns.flat()),
  };
}

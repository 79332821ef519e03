import type { ColumnTag } from '../../../../contract/connection.ts';
import { as, child, list, names, type Tree, text } from '../../classifier/tree.ts';
import type { CatalogSnapshot } from '../../ports.ts';

/** A table with token columns, as one statement names it. */
export interface NamedTable {
  /** Tags with action `token`, by column; null for its other columns. */
  columns: ReadonlyMap<string, ColumnTag | null>;
  /** Byte offset of an unqualified name, which might mean another table on the server; null: it is qualified. */
  unqualified: { at: number; schema: string } | null;
}

/** Something in FROM. */
export interface Source {
  /** null: any name may mean it. */
  alias: string | null;
  /** null: nothing is known of it. */
  table: NamedTable | null;
}

export interface Scope {
  readonly sources: Source[];
  /** USING or NATURAL: a bare name may mean a merged column. */
  merged: boolean;
  readonly parent: Scope | null;
}

export interface ResolvedColumn {
  tag: ColumnTag;
  table: NamedTable;
}

export const newScope = (parent: Scope | null): Scope => ({ sources: [], merged: false, parent });

export function nameOf(tag: ColumnTag): string {
  return `${tag.schema}.${tag.table}.${tag.column}`;
}

/**
 * The one column of a tagged table that a reference means, or null. It errs to the other side than the
 * classifier's lineage does: whatever is not certain is none, since a value would be put in for it.
 */
export function resolve(node: Tree | null, scope: Scope | null): ResolvedColumn | null {
  const fields = list(as(node, 'ColumnRef'), 'fields');
  const parts = names(fields);
  if (parts.length === 0 || parts.length > 2 || parts.includes('')) return null;
  const column = parts.at(-1)!;
  const alias = parts.length === 2 ? parts[0]! : null;
  for (let at = scope; at !== null; at = at.parent) {
    if (alias === null) {
      if (at.merged) return null;
      const found = at.sources.filter(({ table }) => table?.columns.has(column));
      // Of two the server would complain, and of one it finds no other on this level either.
      if (found.length > 0) return found.length === 1 ? taggedColumn(found[0]!, column) : null;
      if (at.sources.some(({ table }) => table === null)) return null;
    } else {
      const found = at.sources.filter((source) => source.alias === alias || source.alias === null);
      if (found.length > 0) return found.length === 1 ? taggedColumn(found[0]!, column) : null;
    }
  }
  return null;
}

function taggedColumn({ table }: Source, column: string): ResolvedColumn | null {
  const tag = table?.columns.get(column);
  return table && tag ? { tag, table } : null;
}

/** Finds the tables with token columns among what statements name. */
export class Tables {
  readonly #catalog: CatalogSnapshot;
  readonly #sql: Buffer;
  readonly #ctes: ReadonlySet<string>;

  /** @param ctes every name that a WITH of the statement gives, wherever it is seen. */
  constructor(catalog: CatalogSnapshot, sql: Buffer, ctes: ReadonlySet<string>) {
    this.#catalog = catalog;
    this.#sql = sql;
    this.#ctes = ctes;
  }

  source(rangeVar: Tree): Source {
    const alias = child(rangeVar, 'alias');
    const table = list(alias, 'colnames').length > 0 ? null : this.named(rangeVar);
    return { alias: text(alias, 'aliasname') || text(rangeVar, 'relname'), table };
  }

  named(rangeVar: Tree | null): NamedTable | null {
    const name = text(rangeVar, 'relname');
    const schema = text(rangeVar, 'schemaname');
    if (rangeVar === null || text(rangeVar, 'catalogname') !== '' || (schema === '' && this.#ctes.has(name)))
      return null;
    const found = this.#catalog.relations.filter(
      (relation) =>
        relation.name === name &&
        (schema === '' || relation.schema === schema) &&
        (relation.kind === 'table' || relation.kind === 'partitioned-table'),
    );
    const [relation] = found;
    if (relation === undefined || found.length > 1) return null;
    const tags = this.#catalog.tagByOid.get(relation.oid);
    const columns = new Map(
      relation.columns.map((column) => {
        const tag = tags?.get(column.attnum);
        return [column.name, tag?.action === 'token' ? tag : null];
      }),
    );
    if (schema !== '') return { columns, unqualified: null };
    const at = Number(rangeVar.location ?? 0);
    return this.#stands(name, at) ? { columns, unqualified: { at, schema: relation.schema } } : null;
  }

  /** The name is written there, with or without quotes. */
  #stands(name: string, at: number): boolean {
    const quoted = this.#sql[at] === 0x22;
    const from = quoted ? at + 1 : at;
    const written = this.#sql.toString('utf8', from, from + Buffer.byteLength(name));
    return quoted ? written === name : written.toLowerCase() === name;
  }
}

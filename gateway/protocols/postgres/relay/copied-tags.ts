import type { ColumnTag } from '../../../contract/connection.ts';
import type { CatalogSnapshot, OutputTaint } from '../ports.ts';
import type { StatementInfo } from './names.ts';

/** A result has at most 1,664 columns (MaxTupleAttributeNumber). */
const MAX_COLUMNS = 1664;

/**
 * Views upon tagged columns, tables made of them and their new names, which this session made and the catalog
 * does not show yet. Until it does, whatever the session reads may be one of them.
 */
export class CopiedTags {
  #tags: ReadonlySet<ColumnTag> = new Set();
  /** Statements that were understood by it do not know of what was committed since; null: not committed yet. */
  #last: CatalogSnapshot | null = null;

  /** A statement is forwarded. */
  note({ classification }: StatementInfo): void {
    const { flags } = classification.effects;
    if (!flags.includes('copies-tagged') || !flags.includes('ddl')) return;
    this.#tags = new Set([...this.#tags, ...classification.output.all]);
    this.#last = null;
  }

  /** No transaction is open and nothing is under way; what is read of the catalog from now on is newer. */
  settled(catalog: CatalogSnapshot): void {
    if (this.#tags.size > 0) this.#last ??= catalog;
  }

  outputOf({ classification, catalog }: StatementInfo): OutputTaint {
    const { output } = classification;
    if (this.#tags.size === 0 || (this.#last !== null && catalog !== this.#last)) return output;
    const all = [...new Set([...this.#tags, ...output.all])];
    return { columns: Array.from({ length: MAX_COLUMNS }, () => all), all };
  }
}

import { join } from 'node:path';
import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../config/atomic-file.ts';
import { CountersignError } from '../contract/errors.ts';
import { StatementFilter } from '../contract/search.ts';

const MAX_SAVED = 500;

const Name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const File = z.strictObject({ v: z.literal(1), searches: z.record(Name, StatementFilter) });

/** Searches by name, in a file of the auditor's workspace. */
export class SavedSearches {
  readonly #file: string;

  /** @param folder of the workspace. */
  constructor(folder: string) {
    this.#file = join(folder, 'searches.json');
  }

  /** By name. Throws SEARCHES_BROKEN. */
  list(): Map<string, StatementFilter> {
    const text = readFileIfThere(this.#file);
    if (text === null) return new Map();
    try {
      return new Map(Object.entries(File.parse(JSON.parse(text)).searches).sort(([a], [b]) => (a < b ? -1 : 1)));
    } catch (cause) {
      throw new CountersignError('SEARCHES_BROKEN', `${this.#file} cannot be understood; repair it or move it away`, {
        cause,
      });
    }
  }

  /** Replaces one of the same name. Throws SEARCH_INVALID. */
  save(name: string, filter: StatementFilter): void {
    const searches = this.list().set(name, filter);
    if (!Name.safeParse(name).success) {
      throw new CountersignError('SEARCH_INVALID', 'a name has letters, digits and . _ - only, at most 64 of them');
    }
    if (searches.size > MAX_SAVED) {
      throw new CountersignError('SEARCH_INVALID', `there are ${MAX_SAVED} saved searches already; delete some`);
    }
    this.#write(searches);
  }

  /** Throws SEARCH_UNKNOWN. */
  delete(name: string): void {
    const searches = this.list();
    if (!searches.delete(name)) throw new CountersignError('SEARCH_UNKNOWN', `there is no saved search ${name}`);
    this.#write(searches);
  }

  #write(searches: ReadonlyMap<string, StatementFilter>): void {
    writeFileAtomic(this.#file, `${JSON.stringify({ v: 1, searches: Object.fromEntries(searches) }, null, 2)}\n`);
  }
}

import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { writeFileAtomic } from '../../config/atomic-file.ts';
import { SavedSearch } from '../../contract/audit.ts';
import { CountersignError } from '../../contract/errors.ts';

const MAX_SEARCHES = 200;
const Searches = z.array(SavedSearch).max(MAX_SEARCHES);

/** Searches that the auditor keeps by a name, in a file of the workspace. */
export function savedSearches(file: string) {
  const list = (): SavedSearch[] => (existsSync(file) ? Searches.parse(JSON.parse(readFileSync(file, 'utf8'))) : []);
  const write = (items: SavedSearch[]) => writeFileAtomic(file, `${JSON.stringify(items, null, 2)}\n`);
  return {
    list,
    /** Replaces one of the same name. Throws AUDIT_SEARCHES_FULL. */
    save(search: SavedSearch): SavedSearch[] {
      const items = [...list().filter(({ name }) => name !== search.name), search].sort((a, b) =>
        a.name < b.name ? -1 : 1,
      );
      if (items.length > MAX_SEARCHES) {
        throw new CountersignError('AUDIT_SEARCHES_FULL', `At most ${MAX_SEARCHES} searches are kept; remove one.`);
      }
      write(items);
      return items;
    },
    forget(name: string): SavedSearch[] {
      const items = list().filter((search) => search.name !== name);
      write(items);
      return items;
    },
  };
}

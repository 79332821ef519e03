import type { Migration } from './migration.ts';

/** The sessions of one conversation of an agent are found without reading the others. */
export const migration: Migration = {
  version: 90,
  up(db) {
    db.exec(
      'CREATE INDEX sessions_by_conversation ON sessions (conversation_id, opened_at) WHERE conversation_id IS NOT NULL',
    );
  },
};

import type { Migration } from './migration.ts';

/**
 * Full text over statements; rowid is the statement's id. detail=full because names are phrases
 * ("public.orders", "customer_id"); contentless_delete because retention deletes.
 */
export const migration: Migration = {
  version: 30,
  up(db) {
    db.exec(`
      CREATE VIRTUAL TABLE statements_fts USING fts5 (
        text, parameters, message,
        content = '', contentless_delete = 1, detail = full, tokenize = 'unicode61 remove_diacritics 2'
      );
      INSERT INTO statements_fts (rowid, text, parameters, message)
        SELECT s.id, t.value, s.parameters, s.message FROM statements s JOIN strings t ON t.id = s.text;
    `);
  },
};

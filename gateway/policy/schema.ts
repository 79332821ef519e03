/**
 * What policies can speak of. `run` is asked for every statement, `viewPlain` for every tagged column.
 * Table names are there twice: `reads` and `writes` as "schema.table" ("?.table" where the statement
 * leaves the schema to search_path), `readNames` and `writeNames` as the bare names.
 */
export const SCHEMA = `
entity Group;
entity User in [Group] = { subject: String, kind: String, verified: Bool, groups: Set<String> };
entity Connection = { id: String, environment: String, mode: String };
entity Column = { connection: String, environment: String, schema: String, table: String, column: String, entity: String };

action run appliesTo {
  principal: [User],
  resource: [Connection],
  context: {
    class: String,
    ops: Set<String>,
    flags: Set<String>,
    reads: Set<String>,
    readNames: Set<String>,
    writes: Set<String>,
    writeNames: Set<String>,
    filtersOn: Set<String>,
    functions: Set<String>,
    database: String,
    role: String,
    environment: String
  }
};

action viewPlain appliesTo {
  principal: [User],
  resource: [Column],
  context: {}
};
`;

/**
 * What policies can speak of. `run` is asked for every statement, `viewPlain` for every tagged column; the
 * others for what an agent does itself (`shell` for commands, `sendPrompt` for what its person tells it) and
 * for calls of MCP tools.
 * Table names are there twice: `reads` and `writes` as "schema.table" ("?.table" where the statement
 * leaves the schema to search_path), `readNames` and `writeNames` as the bare names. `fingerprint` is the shape of
 * a statement with its literals lifted out. `form` is one simple command with `…` for each value in it, `command` the
 * same with its values; both are empty for anything that a shell would do more with. A call's
 * `form` is its tool with the names of all its arguments; empty where they cannot be told.
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
    fingerprint: String,
    database: String,
    role: String,
    environment: String
  }
};

entity Agent = { name: String };
entity McpServer = { name: String };

action shell appliesTo {
  principal: [User],
  resource: [Agent],
  context: {
    class: String,
    ops: Set<String>,
    flags: Set<String>,
    secrets: Set<String>,
    model: String,
    workspace: String,
    cwd: String,
    form: String,
    command: String,
    programs: Set<String>,
    reads: Set<String>,
    writes: Set<String>,
    removes: Set<String>,
    hosts: Set<String>
  }
};

action readFile, writeFile, deleteFile appliesTo {
  principal: [User],
  resource: [Agent],
  context: {
    class: String,
    ops: Set<String>,
    flags: Set<String>,
    secrets: Set<String>,
    model: String,
    workspace: String,
    path: String,
    name: String,
    inWorkspace: Bool
  }
};

action callTool appliesTo {
  principal: [User],
  resource: [McpServer],
  context: {
    class: String,
    ops: Set<String>,
    flags: Set<String>,
    secrets: Set<String>,
    agent: String,
    tool: String,
    form: String,
    arguments: Set<String>,
    readOnly: Bool,
    destructive: Bool
  }
};

action sendPrompt appliesTo {
  principal: [User],
  resource: [Agent],
  context: {
    class: String,
    ops: Set<String>,
    flags: Set<String>,
    secrets: Set<String>,
    model: String,
    workspace: String
  }
};

action viewPlain appliesTo {
  principal: [User],
  resource: [Column],
  context: {}
};
`;

import type { Call } from '../call.ts';
import { PRINTS } from '../call.ts';
import type { Parsed } from '../options.ts';
import { hasOption, type Row } from '../row.ts';

const SQL_READ = /^\s*(select|show|explain(?!\s+analy[sz]e)|describe|desc|\\d\S*|\\l\S*|\\conninfo)\b[^;]*;?\s*$/i;
const SQL_DESTROYS = /\b(drop|truncate|delete|flushall|flushdb)\b/i;
const SQL_RUNS =
  /\\(!|copy|i|ir|o|g[a-z]*|\w*edit)|copy\b[\s\S]*\bprogram\b|\bsystem\b|\bload_file\b|into\s+(out|dump)file|pg_(read|write|ls)_\w*|lo_(im|ex)port|dblink|(?<!\w)do\b|\bsource\b|\.(shell|system|import|output|read|load|once|save|backup|open|excel|www|cd|log|trace|archive|ar|session|vfs)\b|\b(load_extension|(read|write)file|fts3_tokenizer|edit|lsdir|fsdir)\s*\(|\battach\b|\bvacuum\s+into\b|\b(install|load)\s+[\w']|\bread_\w+\s*\(/i;

/** Clients of databases, which go round the gateway where they are not sent through it. */
export const DATABASES: readonly Row[] = [
  {
    names: 'psql',
    class: 'network',
    values:
      '-c -f -d -h -p -U -v -o -L -F -P -R -T --command --file --dbname --host --port --username --set --variable --output --log-file',
    writes: '-o -L --output --log-file',
    does: (call, parsed) => sql(call, parsed, '-c --command', '-f --file'),
  },
  {
    names: 'mysql mariadb',
    class: 'network',
    values:
      '-e -h -P -u -D -S --execute --host --port --user --database --socket --defaults-file --defaults-extra-file --init-command --tee --plugin-dir',
    reads: '--defaults-file --defaults-extra-file',
    writes: '--tee',
    worse: [{ when: '--plugin-dir', class: 'unknown', says: 'mysql loads code' }],
    does: (call, parsed) => sql(call, parsed, '-e --execute --init-command', '--source'),
  },
  {
    names: 'sqlite3 duckdb',
    values: '-cmd -init -separator -nullvalue',
    single: true,
    does: (call, { operands, options }) => {
      const [file, ...texts] = operands;
      if (file) {
        call.read(file);
        if (!hasOption({ options, operands, uncertain: [] }, '-readonly')) call.write(file);
      }
      statements(
        call,
        [...texts, ...options.flatMap(({ name, value }) => (name === '-cmd' && value ? [value] : []))].map(
          (word) => word.text,
        ),
      );
      if (options.some(({ name }) => name === '-init')) call.effects.unknown('a file of commands is run');
      if (call.input.kind !== 'none' && texts.length === 0) {
        if (call.input.text === null) call.effects.unknown(`what ${call.name} is told is known only when it runs`);
        else statements(call, [call.input.text]);
      }
      return PRINTS;
    },
  },
  {
    names:
      'mongosh mongo redis-cli valkey-cli cqlsh clickhouse-client clickhouse sqlcmd sqlplus bq snowsql influx etcdctl cypher-shell',
    class: 'network',
    says: 'Speaks to a database, not through the gateway',
    values: '-h -p -u -a -n',
    does: (call, { options, operands }) => {
      for (const { name, value } of options) if (name === '-h' && value) call.host(value);
      const text = operands.map((word) => word.text ?? '').join(' ');
      call.effects.unknown(`what ${call.name} is told is not followed`);
      if (SQL_DESTROYS.test(text) || /drop(Database|Collection)?\(|delete(One|Many)\(|\bdel\b/i.test(text))
        call.effects.worsen('destructive', 'Deletes data of a database');
      return PRINTS;
    },
  },
  {
    names: 'pg_dump pg_dumpall mysqldump mariadb-dump mongodump pg_basebackup',
    class: 'network',
    says: 'Copies a whole database, not through the gateway',
    values: '-f -d -h -p -U -t -n -u -P -D --file --host --dbname --result-file',
    writes: '-f --file -r --result-file -D',
    does: (call, { options }) => {
      for (const { name, value } of options) if (/^(-h|--host)$/.test(name) && value) call.host(value);
      return PRINTS;
    },
  },
  {
    names: 'dropdb dropuser pg_restore mongorestore mysqladmin createdb createuser pg_ctl initdb pg_resetwal',
    class: 'destructive',
    says: 'Makes, restores or drops databases or their users',
    does: ({ effects, name }) => {
      if (/user/.test(name)) effects.worsen('privilege', 'Changes the users of a database');
      effects.worsen('network');
      return PRINTS;
    },
  },
];

function sql(call: Call, parsed: Parsed, inline: string, files: string) {
  const { effects } = call;
  const values = (names: string) =>
    parsed.options.flatMap(({ name, value }) =>
      names
        .split(' ')
        .some((one) => name === one || (name.startsWith('--') && name.length > 2 && one.startsWith(name))) && value
        ? [value]
        : [],
    );
  effects.worsen('network', 'Speaks to a database, not through the gateway');
  for (const host of values('-h --host')) call.host(host);
  for (const word of [...parsed.operands, ...values('-d --dbname')]) {
    if (word.text?.includes('://')) call.host(word);
    const host = /\bhost=(\S+)/.exec(word.text ?? '')?.[1];
    if (host !== undefined) call.host({ ...word, text: host });
  }
  const texts = values(inline).map((word) => word.text);
  statements(call, call.input.text === null ? texts : [...texts, call.input.text]);
  for (const file of values(files)) {
    call.read(file);
    effects.flag('script');
    if (file.text !== null) call.script(file);
    else effects.unknown('which statements are run is known only when it runs');
  }
  if (
    call.input.kind === 'pipe' ||
    call.input.kind === 'file' ||
    (call.input.kind === 'text' && call.input.text === null)
  )
    effects.unknown('the statements come from elsewhere');
  if (texts.length === 0 && call.input.kind === 'none' && !hasOption(parsed, '-l --list -V --version --help'))
    effects.unknown('no statement is given: a session is started');
  return PRINTS;
}

/** Only plainly reading statements are told from others here: what matters is decided at the gateway. */
function statements(call: Call, texts: readonly (string | null)[]): void {
  const { effects } = call;
  for (const text of texts) {
    if (text === null) effects.unknown('which statement is run is known only when it runs');
    else if (SQL_RUNS.test(text)) {
      effects.worsen('execute', 'Runs programs or uses files from within the database client');
      effects.unknown('what the database client is told to run is not followed');
    } else if (SQL_DESTROYS.test(text)) effects.worsen('destructive', `Destroys data: ${text.slice(0, 120)}`);
    else if (/\b(grant|revoke|alter\s+(role|user)|create\s+(role|user))\b/i.test(text))
      effects.worsen('privilege', 'Changes the rights of a database');
    else if (!SQL_READ.test(text)) effects.worsen('write', `Runs SQL: ${text.slice(0, 120)}`);
  }
}

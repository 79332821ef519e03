import type { Connection } from '../../../contract/connection.ts';

/** An error that a client is told before its session exists. */
export interface StartupRefusal {
  sqlstate: string;
  message: string;
  hint?: string;
}

/** What decides over a client's startup parameters. */
export type StartupRules = Pick<Connection, 'id' | 'database' | 'databases' | 'mode'>;

interface Setting {
  name: string;
  value: string;
}

/** Splits `options` as the server does (pg_split_opts): white space separates, a backslash takes the next as it is. */
function splitOptions(options: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  for (let i = 0; i < options.length; i++) {
    const char = options[i]!;
    if (/[ \t\n\v\f\r]/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (char === '\\' && i + 1 < options.length) word = (word ?? '') + options[++i];
    else if (char !== '\\') word = (word ?? '') + char;
  }
  if (word !== null) words.push(word);
  return words;
}

/** Names are compared as the server compares them: case and, in switches, the dash do not count. */
function settingName(name: string): string {
  return name.toLowerCase().replaceAll('-', '_');
}

/** Settings of `-c name=value` and `--name=value`; null where there is another switch. */
export function settingsOfOptions(options: string): Setting[] | null {
  const words = splitOptions(options);
  const settings: Setting[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    let assignment: string | undefined;
    if (word === '-c') assignment = words[++i];
    else if (word.startsWith('-c')) assignment = word.slice(2);
    else if (word.startsWith('--')) assignment = word.slice(2);
    const equals = assignment?.indexOf('=') ?? -1;
    if (assignment === undefined || equals < 1) return null;
    settings.push({ name: settingName(assignment.slice(0, equals)), value: assignment.slice(equals + 1) });
  }
  return settings;
}

/** Raise privilege or load code: with SET they are statements that policy decides, so they must not come by the side. */
const decidedByPolicy =
  /^(role|session_authorization|session_replication_role|(local|session|shared)_preload_libraries|dynamic_library_path|allow_system_table_mods|row_security|zero_damaged_pages|ignore_(checksum_failure|system_indexes)|log_.*)$/;

const isUtf8 = (value: string) => ['utf8', 'unicode', 'auto'].includes(value.toLowerCase().replace(/[^a-z0-9]/g, ''));
/** What the server's parse_bool takes for true. */
const isTrue = (value: string) => /^(on|t|tr|tru|true|y|ye|yes|1)$/i.test(value.trim());
const isFalse = (value: string) => /^(of|off|f|fa|fal|fals|false|n|no|0)$/i.test(value.trim());

function shown(value: string): string {
  return JSON.stringify(value.slice(0, 100));
}

function refusalOf({ name, value }: Setting): StartupRefusal | null {
  if (name === 'client_encoding' && !isUtf8(value)) {
    return {
      sqlstate: '22023',
      message: `client_encoding ${shown(value)} is not accepted: Countersign reads statements as UTF8`,
      hint: 'Set client_encoding to UTF8 (PGCLIENTENCODING=UTF8).',
    };
  }
  if (name === 'standard_conforming_strings' && !isTrue(value)) {
    return {
      sqlstate: '22023',
      message:
        'standard_conforming_strings must stay on: otherwise statements could mean something else than they seem to',
      hint: 'Remove the setting from the startup parameters.',
    };
  }
  if (decidedByPolicy.test(name)) {
    return {
      sqlstate: '42501',
      message: `${name} cannot be set by a startup parameter, because policy could not decide over it`,
      hint: `Connect without it and use SET ${name}.`,
    };
  }
  return null;
}

/** Replication is another protocol, in which nothing can be classified. */
export function refusesReplication(parameters: ReadonlyMap<string, string>): StartupRefusal | null {
  const replication = parameters.get('replication');
  if (replication === undefined || isFalse(replication)) return null;
  return {
    sqlstate: '0A000',
    message: 'replication connections are not supported by Countersign',
    hint: 'Connect without the startup parameter "replication".',
  };
}

export interface PassedParameters {
  database: string;
  /** For the server: without user, database, replication and protocol options. */
  parameters: Map<string, string>;
}

/**
 * Decides what of a client's startup parameters goes to the server. In observe mode nothing is refused
 * but a database that the connection does not name.
 * @param user as the client sent it, suffix included.
 */
export function passStartupParameters(
  rules: StartupRules,
  user: string,
  sent: ReadonlyMap<string, string>,
): { ok: true; passed: PassedParameters } | { ok: false; refusal: StartupRefusal } {
  const database = resolveDatabase(rules, user, sent.get('database'));
  if (database === null) {
    return {
      ok: false,
      refusal: {
        sqlstate: '3D000',
        message: `database ${shown(sent.get('database') ?? '')} is not among those of the connection "${rules.id}"`,
        hint: `Use ${shown(rules.database)}, or have the database added to the connection.`,
      },
    };
  }
  const parameters = new Map<string, string>();
  for (const [name, value] of sent) {
    if (['user', 'database', 'replication'].includes(name) || name.startsWith('_pq_.')) continue;
    if (rules.mode === 'enforce') {
      const refusal = name === 'options' ? refusesOptions(value) : refusalOf({ name: name.toLowerCase(), value });
      if (refusal) return { ok: false, refusal };
      if (name.toLowerCase() === 'client_encoding') continue;
    }
    parameters.set(name, value);
  }
  // Set even where it was absent: the server's default is the database's encoding, whatever that is.
  if (rules.mode === 'enforce') parameters.set('client_encoding', 'UTF8');
  return { ok: true, passed: { database, parameters } };
}

function refusesOptions(options: string): StartupRefusal | null {
  const settings = settingsOfOptions(options);
  if (settings === null) {
    return {
      sqlstate: '42601',
      message: 'the startup parameter "options" may hold only settings: -c name=value or --name=value',
    };
  }
  for (const setting of settings) {
    const refusal = refusalOf(setting);
    if (refusal) return refusal;
  }
  return null;
}

/** libpq names the database like the user where none is given: then the connection's default is meant. */
function resolveDatabase(rules: StartupRules, user: string, asked: string | undefined): string | null {
  if (asked === undefined || asked === '') return rules.database;
  if (asked === rules.database || rules.databases.includes(asked)) return asked === '*' ? null : asked;
  if (asked === user || asked === rules.id) return rules.database;
  return rules.databases.includes('*') ? asked : null;
}

import type { OperationClass } from '../../../contract/operation.ts';

export interface SettingEffect {
  class: OperationClass;
  flags: readonly string[];
  words: string | null;
}

const HARMLESS: SettingEffect = { class: 'session', flags: [], words: null };

/** Settings whose other values would make the gateway read a text differently than the server does. */
const PINNED: Readonly<Record<string, RegExp>> = {
  standard_conforming_strings: /^(on|true|yes|1|t|y)$/i,
  client_encoding: /^['"]?(utf-?8|unicode)['"]?$/i,
};

/** Settings that raise what the session may do, or switch off a guard of the server. */
const PRIVILEGED: ReadonlySet<string> = new Set([
  'role',
  'session_authorization',
  'session_replication_role',
  'allow_system_table_mods',
  'ignore_system_indexes',
  'zero_damaged_pages',
  'ignore_checksum_failure',
  'ignore_invalid_pages',
  'lo_compat_privileges',
  'allow_in_place_tablespaces',
  'event_triggers',
  'log_statement',
  'log_min_messages',
  'log_min_error_statement',
  'log_min_duration_statement',
  'restrict_nonsystem_relation_kind',
]);

/** Settings that load code. */
const LOADING: ReadonlySet<string> = new Set([
  'local_preload_libraries',
  'session_preload_libraries',
  'shared_preload_libraries',
  'dynamic_library_path',
  'extension_control_path',
  'jit_provider',
]);

export function isPinned(setting: string): boolean {
  return Object.hasOwn(PINNED, setting.toLowerCase());
}

/**
 * @param value the new value; null where it is not a constant; undefined for DEFAULT and RESET, which
 * return to what the gateway sent at start-up.
 */
export function settingEffect(setting: string, value: string | null | undefined): SettingEffect {
  const name = setting.toLowerCase();
  if (value === undefined) return HARMLESS;
  const pinned = Object.hasOwn(PINNED, name) ? PINNED[name] : undefined;
  if (pinned !== undefined) {
    if (value !== null && pinned.test(value)) return HARMLESS;
    return {
      class: 'privilege',
      flags: ['sets-pinned-setting'],
      words: `Changes ${name}, by which Countersign reads statements`,
    };
  }
  if (LOADING.has(name))
    return { class: 'execute', flags: ['code-execution'], words: `Makes the server load libraries through ${name}` };
  if ((name === 'role' || name === 'session_authorization') && value !== null && /^(none|default)$/i.test(value))
    return HARMLESS;
  if (name === 'restrict_nonsystem_relation_kind' && value !== null && restrictsAll(value)) return HARMLESS;
  if (PRIVILEGED.has(name)) {
    const words =
      name === 'role' || name === 'session_authorization'
        ? `Goes on as the role ${value ?? 'that the statement computes'}`
        : `Changes the server's guard ${name}`;
    return { class: 'privilege', flags: ['privilege'], words };
  }
  return HARMLESS;
}

/** The guard of pg_dump at its strictest. */
function restrictsAll(value: string): boolean {
  const kinds = value.toLowerCase().split(',');
  return ['view', 'foreign-table'].every((kind) => kinds.some((one) => one.trim() === kind));
}

import type { Analysis, Taint } from './analysis.ts';
import { CLEAN, union } from './analysis.ts';
import { BUILTIN_NAMES } from './builtin-names.ts';
import { knownEffect, openEffect } from './functions.ts';
import type { Knowledge } from './knowledge.ts';
import { settingEffect } from './settings.ts';
import { as, child, list, names, type Tree, text } from './tree.ts';

/**
 * Notes what a function call does beyond its result. A name without schema may be PostgreSQL's own or
 * somebody's: search_path and argument types decide on the server, so both are taken into account.
 * @returns what the result may depend on besides its arguments.
 */
export function noteCall(call: Tree, analysis: Analysis, knowledge: Knowledge): Taint {
  const parts = names(list(call, 'funcname'));
  const name = parts.at(-1) ?? '';
  const schema = parts.length > 1 ? (parts.at(-2) ?? null) : null;
  analysis.functions.add(parts.join('.'));
  if (name === 'set_config') noteSetConfig(call, analysis);

  let taint: Taint = CLEAN;
  const effect = name === 'lo_open' ? openEffect(largeObjectMode(call, analysis)) : knownEffect(name);
  if (effect !== null) {
    analysis.worsen(effect.class);
    analysis.flag(...effect.flags);
    if (effect.class === 'privilege') analysis.flag('privilege');
    if (effect.words !== null) analysis.headline(`${effect.words}: ${name}()`);
    if (effect.readsAnything) taint = knowledge.all;
  } else if (name !== 'set_config' && schema !== 'information_schema') {
    const builtin = BUILTIN_NAMES.has(name) && (schema === null || schema === 'pg_catalog');
    if (builtin && knowledge.isVolatileBuiltin(name)) {
      analysis.flag('volatile-function');
      analysis.unknown(`Calls ${name}(), whose effects Countersign does not know`);
    }
    if (!builtin && knowledge.userFunction(name) === null) {
      analysis.flag('unknown-function');
      analysis.unknown(`Calls the function ${parts.join('.')}(), which Countersign does not know`);
      taint = knowledge.all;
    }
  }
  if (schema !== 'pg_catalog') taint = union(taint, noteUserFunction(name, parts.join('.'), analysis, knowledge));
  return taint;
}

/** Notes a call of a function that somebody made, if there is one of that name in any schema. */
export function noteUserFunction(name: string, shown: string, analysis: Analysis, knowledge: Knowledge): Taint {
  const own = knowledge.userFunction(name);
  if (own === null) return CLEAN;
  if (own.volatility === 'volatile') {
    analysis.flag('volatile-function');
    analysis.unknown(`Calls ${shown}(), which may change data`);
  } else analysis.worsen('read');
  // Its rows, or its failing, may depend on what it compares.
  if (own.probes) analysis.filterOn(own.taint);
  return own.taint;
}

/** Views upon files of the server, and catalogs with password hashes. */
const FILE_VIEWS: ReadonlySet<string> = new Set(['pg_hba_file_rules', 'pg_ident_file_mappings', 'pg_file_settings']);
const PASSWORDS: ReadonlySet<string> = new Set(['pg_authid', 'pg_shadow']);

/** Tables whose reading is more than a read. */
export function noteSecrets(table: string, analysis: Analysis): void {
  if (FILE_VIEWS.has(table)) {
    analysis.worsen('execute');
    analysis.flag('server-file');
    analysis.headline(`Reads a configuration file of the database server: ${table}`);
  } else if (PASSWORDS.has(table)) {
    analysis.worsen('privilege');
    analysis.flag('privilege');
    analysis.headline(`Reads password hashes: ${table}`);
  }
}

/** The mode of `lo_open(oid, mode)` where it is an integer as it stands there; a cast may be anybody's. */
function largeObjectMode(call: Tree, analysis: Analysis): number | null {
  analysis.literalsMatter = true;
  const args = list(call, 'args');
  const mode = as(args[1] ?? null, 'A_Const');
  const integer = mode === null || args.length !== 2 ? null : child(mode, 'ival');
  if (integer === null) return null;
  return Number(integer.ival ?? 0);
}

function noteSetConfig(call: Tree, analysis: Analysis): void {
  analysis.literalsMatter = true;
  const [settingNode, valueNode, localNode] = list(call, 'args');
  const setting = constantText(settingNode ?? null) ?? (isName(settingNode ?? null) ? analysis.settingOfRow : null);
  const value = constantText(valueNode ?? null);
  if (setting === null) {
    analysis.flag('computed-setting');
    analysis.unknown('Sets a setting whose name is computed');
    return;
  }
  const effect = settingEffect(setting, value);
  analysis.worsen(effect.class);
  analysis.flag(...effect.flags);
  if (effect.words !== null) analysis.headline(effect.words);
  const local = child(as(localNode ?? null, 'A_Const'), 'boolval');
  analysis.names.push({
    kind: 'set',
    setting: setting.toLowerCase(),
    value,
    local: local !== null && local.boolval === true,
  });
}

/**
 * The constant in `SELECT … FROM pg_settings WHERE name = constant`, as pg_dump has it to set what the
 * server may not have; null for every other query.
 */
export function settingOfRow(select: Tree): string | null {
  const from = list(select, 'fromClause');
  const table = as(from[0] ?? null, 'RangeVar');
  if (from.length !== 1 || table === null || text(table, 'relname') !== 'pg_settings') return null;
  if (!['', 'pg_catalog'].includes(text(table, 'schemaname')) || child(table, 'alias') !== null) return null;
  const where = as(child(select, 'whereClause'), 'A_Expr');
  if (where === null || where.kind !== 'AEXPR_OP' || names(list(where, 'name')).join('.') !== '=') return null;
  return isName(child(where, 'lexpr')) ? constantText(child(where, 'rexpr')) : null;
}

/** The column reference `name`. */
function isName(node: Tree | null): boolean {
  const column = as(node, 'ColumnRef');
  const fields = column === null ? [] : list(column, 'fields');
  return fields.length === 1 && names(fields)[0] === 'name';
}

/** The value of a constant, through casts; null where it is computed. */
export function constantText(node: Tree | null): string | null {
  if (node === null) return null;
  const cast = as(node, 'TypeCast');
  if (cast !== null) return constantText(child(cast, 'arg'));
  const constant = as(node, 'A_Const');
  if (constant === null) return null;
  const string = child(constant, 'sval');
  if (string !== null) return text(string, 'sval');
  const integer = child(constant, 'ival');
  if (integer !== null) return String(integer.ival ?? 0);
  const float = child(constant, 'fval');
  if (float !== null) return text(float, 'fval');
  const boolean = child(constant, 'boolval');
  if (boolean !== null) return boolean.boolval === true ? 'on' : 'off';
  return null;
}

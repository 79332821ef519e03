import { as, bodyOf, child, list, names, type Tree, tagOf, text } from './tree.ts';

/**
 * What may be computed from a tagged value without telling of it. A result is masked, but whether a
 * computation fails, how long it takes and how many rows it makes is seen all the same:
 * `1 / (salary - 50000)` is a question that its error answers. So only what never fails, whatever the
 * value, and makes one value of one value is let through in silence; the rest counts as a filter.
 */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Functions of pg_catalog that return sets. */
const SET_RETURNING = words(`
  aclexplode generate_series generate_subscripts json_array_elements json_array_elements_text json_each
  json_each_text json_object_keys json_populate_recordset json_to_recordset jsonb_array_elements
  jsonb_array_elements_text jsonb_each jsonb_each_text jsonb_object_keys jsonb_path_query jsonb_path_query_tz
  jsonb_populate_recordset jsonb_to_recordset pg_mcv_list_items pg_options_to_table pg_partition_ancestors
  pg_partition_tree pg_snapshot_xip regexp_matches regexp_split_to_table string_to_table ts_debug ts_parse ts_stat
  ts_token_type txid_snapshot_xip unnest
`);

/** Never fail, whichever of their arguments is tagged. */
const TOTAL = words(`
  any_value array_agg avg bit_length bool_and bool_or btrim char_length character_length concat concat_ws count
  every first_value grouping initcap json_agg json_build_array jsonb_agg jsonb_build_array lag last_value lead length
  lower ltrim max md5 min num_nonnulls num_nulls octet_length pg_column_size pg_typeof quote_ident quote_literal
  quote_nullable reverse row_to_json rtrim starts_with stddev stddev_pop stddev_samp string_agg strpos sum to_json
  to_jsonb upper var_pop var_samp variance
`);

/** Never fail where only the first argument is tagged: of the others, some values do not fit. */
const TOTAL_OF_FIRST = words(`
  abs ceil ceiling date_part date_trunc extract floor left nth_value replace right round sign split_part substr
  substring to_char trunc
`);

const TOTAL_OPERATORS = words('= <> != < > <= >= || -> ->> #> #>> @> <@ ? ?| ?& &&');

/** Every value has a text, whatever its type. */
const TEXT_TYPES = words('text varchar bpchar name');

/** Nodes that do no more with a tagged value than to hold or compare it. */
const TOTAL_NODES = words(`
  A_ArrayExpr A_Const A_Indirection BooleanTest CaseWhen CollateClause ColumnRef GroupingFunc JsonArrayConstructor
  JsonFormat JsonOutput JsonReturning JsonValueExpr List MinMaxExpr NamedArgExpr
  NullTest ParamRef RowExpr SQLValueFunction SubLink TypeName String
`);

/** A name without schema, or with pg_catalog; otherwise ''. */
function ownName(parts: readonly string[]): string {
  return parts.length === 1 || parts[0] === 'pg_catalog' ? (parts.at(-1) ?? '') : '';
}

export function returnsSet(parts: readonly string[]): boolean {
  return SET_RETURNING.has(ownName(parts));
}

/** @param tagged for each argument, whether it depends on a tag; at least one does. */
export function totalCall(call: Tree, tagged: readonly boolean[]): boolean {
  const name = ownName(names(list(call, 'funcname')));
  if (TOTAL.has(name)) return true;
  if (TOTAL_OF_FIRST.has(name)) return !tagged.slice(1).includes(true);
  // Keys that are NULL fail.
  if (name === 'json_build_object' || name === 'jsonb_build_object')
    return tagged.every((one, i) => i % 2 === 1 || !one);
  return false;
}

/** Is this node's own doing, with a tagged value below it, without a way to fail? FuncCall has totalCall. */
export function totalNode(tag: string, body: Tree): boolean {
  switch (tag) {
    case 'A_Expr':
      return totalOperator(body);
    case 'TypeCast':
      return isTextCast(body);
    case 'BoolExpr':
      // AND and OR stop early, so what they would evaluate next is evaluated for some values only.
      return list(body, 'args').every(harmless);
    case 'CaseExpr':
      return [child(body, 'arg'), child(body, 'defresult'), ...list(body, 'args')].every(
        (one) => one === null || harmless(one),
      );
    case 'CoalesceExpr':
      return list(body, 'args').every(harmless);
    case 'JsonObjectConstructor':
      return body.unique !== true;
    case 'JsonKeyValue':
      // A key that is NULL fails.
      return as(child(body, 'key'), 'A_Const') !== null;
    default:
      return TOTAL_NODES.has(tag);
  }
}

export function isTextCast(cast: Tree): boolean {
  const type = child(cast, 'typeName');
  return TEXT_TYPES.has(ownName(names(list(type, 'names')))) && list(type, 'arrayBounds').length === 0;
}

function totalOperator(body: Tree): boolean {
  const kind = text(body, 'kind');
  if (kind === 'AEXPR_LIKE' || kind === 'AEXPR_ILIKE') {
    // A pattern that ends with the escape fails only where the match gets that far.
    const pattern = child(as(child(body, 'rexpr'), 'A_Const'), 'sval');
    return pattern !== null && !text(pattern, 'sval').includes('\\');
  }
  if (kind === 'AEXPR_SIMILAR') return false;
  if (!/^AEXPR_OP/.test(kind)) return true;
  return TOTAL_OPERATORS.has(ownName(names(list(body, 'name'))));
}

/** Can be evaluated or left out without anybody seeing which: it neither fails nor takes its time. */
function harmless(node: Tree): boolean {
  const tag = tagOf(node);
  const body = bodyOf(node);
  switch (tag) {
    case 'A_Const':
    case 'ParamRef':
    case 'ColumnRef':
    case 'SQLValueFunction':
      return true;
    case 'TypeCast': {
      const arg = child(body, 'arg');
      // A constant is cast when the statement is planned, whatever branch it is in.
      return arg !== null && (as(arg, 'A_Const') !== null || (isTextCast(body) && harmless(arg)));
    }
    case 'FuncCall': {
      const args = list(body, 'args');
      return (
        totalCall(
          body,
          args.map((arg) => as(arg, 'A_Const') === null),
        ) && args.every(harmless)
      );
    }
    case 'SubLink':
      return false;
    case 'NullTest':
    case 'BooleanTest':
    case 'CollateClause':
      return harmless(child(body, 'arg')!);
    case 'A_Expr':
      return totalOperator(body) && ['lexpr', 'rexpr'].every((side) => everyPart(child(body, side)));
    case 'CaseWhen':
      return everyPart(child(body, 'expr')) && everyPart(child(body, 'result'));
    case 'BoolExpr':
    case 'CaseExpr':
    case 'CoalesceExpr':
      return totalNode(tag, body);
    case 'List':
      return list(body, 'items').every(harmless);
    case 'MinMaxExpr':
    case 'RowExpr':
      return list(body, 'args').every(harmless);
    case 'A_ArrayExpr':
      return list(body, 'elements').every(harmless);
    default:
      return false;
  }
}

function everyPart(node: Tree | null): boolean {
  return node === null || harmless(node);
}

/** Put values into a structure that the statement alone decides. */
const BUILDERS = words(`
  row_to_json to_json to_jsonb json_agg jsonb_agg array_agg json_build_array jsonb_build_array json_build_object
  jsonb_build_object count
`);

/**
 * Whether a value is there, how many elements it has and which structure: does that say nothing of
 * tagged values but what their own columns would (NULL for NULL)?
 * @param steadyLeaf for a part whose form this function cannot see: untagged, a column, a subquery.
 */
export function steadyForm(node: Tree, steadyLeaf: (node: Tree) => boolean): boolean {
  if (steadyLeaf(node)) return true;
  const body = bodyOf(node);
  const all = (parts: readonly Tree[]) => parts.every((part) => steadyForm(part, steadyLeaf));
  switch (tagOf(node)) {
    case 'FuncCall': {
      const args = list(body, 'args');
      if (!BUILDERS.has(ownName(names(list(body, 'funcname')))) || body.agg_distinct === true) return false;
      return child(body, 'agg_filter') === null && child(body, 'over') === null && all(args);
    }
    case 'TypeCast': {
      const arg = child(body, 'arg');
      return arg !== null && isTextCast(body) && steadyForm(arg, steadyLeaf);
    }
    case 'RowExpr':
    case 'CoalesceExpr':
      return all(list(body, 'args'));
    case 'A_ArrayExpr':
      return all(list(body, 'elements'));
    default:
      return false;
  }
}

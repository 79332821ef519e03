import { as, bodyOf, child, isTree, list, names, sameTree, type Tree, tagOf, text } from './tree.ts';

/** Does a value depend on a row at all? */
export function mentionsColumn(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(mentionsColumn);
  if (!isTree(node)) return false;
  for (const key in node) {
    if (key === 'ColumnRef' || key === 'CurrentOfExpr') return true;
    if (mentionsColumn(node[key])) return true;
  }
  return false;
}

/** What the check of a condition needs to say about constants it looked into. */
export interface LiteralWatch {
  literalsMatter: boolean;
}

/**
 * Can the condition keep a row out, as far as its form tells? Constants, `x = x`, `x IS NOT NULL`,
 * `x LIKE '%'`, `… OR true` and subqueries without a condition of their own cannot.
 * @param denied the condition stands under NOT.
 * @param table the table that is changed: `id IN (SELECT id FROM <table>)` keeps every row.
 */
export function restricts(
  condition: Tree | null,
  table: string,
  watch: LiteralWatch,
  denied: boolean = false,
): boolean {
  if (condition === null) return false;
  const body = bodyOf(condition);
  switch (tagOf(condition)) {
    case 'A_Const':
    case 'ParamRef':
      return false;
    case 'BoolExpr': {
      const args = list(body, 'args');
      if (body.boolop === 'NOT_EXPR') return args.every((arg) => restricts(arg, table, watch, !denied));
      // NOT (a AND b) is NOT a OR NOT b: one arm that is always true lets every row through.
      const everyArm = (body.boolop === 'OR_EXPR') !== denied;
      return everyArm
        ? args.every((arg) => restricts(arg, table, watch, denied))
        : args.some((arg) => restricts(arg, table, watch, denied));
    }
    case 'A_Expr':
      return comparisonRestricts(body, watch);
    case 'NullTest':
      return body.nulltesttype === (denied ? 'IS_NOT_NULL' : 'IS_NULL') && mentionsColumn(body.arg);
    case 'BooleanTest':
      return mentionsColumn(body.arg) && restricts(child(body, 'arg'), table, watch);
    case 'TypeCast':
    case 'CollateClause':
      return restricts(child(body, 'arg'), table, watch, denied);
    case 'SubLink':
      return subqueryRestricts(body, table, watch);
    default:
      return mentionsColumn(condition);
  }
}

function comparisonRestricts(body: Tree, watch: LiteralWatch): boolean {
  const [left, right] = [child(body, 'lexpr'), child(body, 'rexpr')];
  if (!mentionsColumn(left) && !mentionsColumn(right)) return false;
  if (left !== null && right !== null && sameTree(left, right)) return false;
  const items = list(as(right, 'List'), 'items');
  if (left !== null && items.some((item) => sameTree(left, item))) return false;
  if (body.kind === 'AEXPR_BETWEEN' && left !== null && items.length > 0 && items.every((i) => mentionsColumn(i)))
    return true;
  if (body.kind === 'AEXPR_LIKE' || body.kind === 'AEXPR_ILIKE') {
    const pattern = child(as(right, 'A_Const'), 'sval');
    if (pattern !== null) {
      watch.literalsMatter = true;
      if (/^%+$/.test(text(pattern, 'sval'))) return false;
    }
  }
  return true;
}

function subqueryRestricts(body: Tree, table: string, watch: LiteralWatch): boolean {
  const select = as(child(body, 'subselect'), 'SelectStmt');
  if (select === null) return false;
  const own = selectRestricts(select, table, watch);
  if (body.subLinkType === 'EXISTS_SUBLINK') return own;
  if (!mentionsColumn(child(body, 'testexpr')) && !own) return false;
  if (body.subLinkType === 'EXPR_SUBLINK') return own;
  const from = list(select, 'fromClause');
  const selfOnly = from.length === 1 && text(as(from[0]!, 'RangeVar'), 'relname') === table;
  return own || !selfOnly;
}

function selectRestricts(select: Tree, table: string, watch: LiteralWatch): boolean {
  if (restricts(child(select, 'whereClause'), table, watch)) return true;
  if (child(select, 'havingClause') !== null || child(select, 'limitCount') !== null) return true;
  return list(select, 'fromClause').some((from) => {
    const join = as(from, 'JoinExpr');
    return join !== null && (list(join, 'usingClause').length > 0 || mentionsColumn(child(join, 'quals')));
  });
}

const MAX_CONDITION = 120;

/** A condition in short, constants as `…`; it holds no value of the text, so shapes can share it. */
export function conditionText(condition: Tree | null): string {
  const out = render(condition, 0);
  return out.length > MAX_CONDITION ? `${out.slice(0, MAX_CONDITION)}…` : out;
}

function render(node: Tree | null, depth: number): string {
  if (node === null || depth > 4) return '…';
  const body = bodyOf(node);
  switch (tagOf(node)) {
    case 'ColumnRef':
      return names(list(body, 'fields')).join('.');
    case 'TypeCast':
      return render(child(body, 'arg'), depth + 1);
    case 'BoolExpr': {
      const args = list(body, 'args')
        .slice(0, 6)
        .map((arg) => render(arg, depth + 1));
      if (body.boolop === 'NOT_EXPR') return `not (${args[0] ?? '…'})`;
      return args.join(body.boolop === 'AND_EXPR' ? ' and ' : ' or ');
    }
    case 'NullTest':
      return `${render(child(body, 'arg'), depth + 1)} is ${body.nulltesttype === 'IS_NULL' ? '' : 'not '}null`;
    case 'A_Expr': {
      const operator = names(list(body, 'name')).at(-1) ?? '=';
      const left = render(child(body, 'lexpr'), depth + 1);
      if (body.kind === 'AEXPR_IN') return `${left} ${operator === '=' ? 'in' : 'not in'} (…)`;
      if (body.kind === 'AEXPR_BETWEEN') return `${left} between … and …`;
      if (body.kind === 'AEXPR_LIKE' || body.kind === 'AEXPR_ILIKE') return `${left} like …`;
      return `${left} ${operator} ${render(child(body, 'rexpr'), depth + 1)}`;
    }
    default:
      return '…';
  }
}

import { ColumnAction, ColumnTag, Entity } from '../../../../gateway/contract/connection.ts';

export interface TagLines {
  tags: ColumnTag[];
  /** Lines that say no column, from 1. */
  wrong: number[];
}

/**
 * One column a line: `schema.table.column`, or `table.column` of schema public; then what it holds and how it
 * is shown, in any order, by the names of the contract or their beginnings ("email", "partial"). Separators
 * are white space, commas, semicolons. Names with a dot cannot be said here.
 */
export function parseTagLines(text: string): TagLines {
  const tags: ColumnTag[] = [];
  const wrong: number[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [name, ...words] = line.split(/[\s,;]+/).filter((word) => word !== '');
    if (name === undefined) continue;
    const parts = name.split('.');
    const column = parts.pop();
    const table = parts.pop();
    const schema = parts.pop() ?? 'public';
    const said = words.map((word) => word.toUpperCase());
    const entity = Entity.options.find((one) => said.some((word) => one.startsWith(word) && word.length >= 3));
    const action = ColumnAction.options.find((one) => said.includes(one.toUpperCase()));
    const known = said.every((word) => word === action?.toUpperCase() || entity?.startsWith(word) === true);
    const tag = ColumnTag.safeParse({
      schema,
      table,
      column,
      entity: entity ?? 'CUSTOM',
      action: action ?? 'redact',
    });
    if (tag.success && parts.length === 0 && known) tags.push(tag.data);
    else wrong.push(index + 1);
  }
  return { tags, wrong };
}

import { StringStream } from '@codemirror/language';
import { expect, test } from 'vitest';
import { cedarToken } from './cedar-language.ts';

/** Each token of one line that has a style, as "text/style". */
function tokens(line: string): string[] {
  const stream = new StringStream(line, 2, 2);
  const state = { annotation: false };
  const found: string[] = [];
  while (!stream.eol()) {
    stream.start = stream.pos;
    const style = cedarToken(stream, state);
    expect(stream.pos).toBeGreaterThan(stream.start);
    if (style !== null) found.push(`${line.slice(stream.start, stream.pos)}/${style}`);
  }
  return found;
}

test('annotations, keywords, names and strings are told apart', () => {
  expect(tokens('@id("writes-ask")')).toEqual(['@/meta', 'id/meta', '"writes-ask"/string']);
  expect(tokens('forbid (principal, action == Action::"run", resource)')).toEqual([
    'forbid/keyword',
    'principal/atom',
    'action/atom',
    '==/operator',
    'Action/typeName',
    '::/operator',
    '"run"/string',
    'resource/atom',
  ]);
  expect(tokens('when { context.flags.contains("x") && !(context.n > 10) }; // why')).toEqual([
    'when/keyword',
    'context/atom',
    'flags/propertyName',
    'contains/propertyName',
    '"x"/string',
    '&&/operator',
    '!/operator',
    'context/atom',
    'n/propertyName',
    '>/operator',
    '10/number',
    '// why/comment',
  ]);
});

test('an escaped quote does not end a string, and an open one ends with its line', () => {
  expect(tokens('@reason("say \\"no\\" to it")')).toEqual(['@/meta', 'reason/meta', '"say \\"no\\" to it"/string']);
  expect(tokens('"open')).toEqual(['"open/string']);
  expect(tokens('"ends with \\')).toEqual(['"ends with \\/string']);
});

import { describe, expect, it } from 'vitest';
import type { DerivedStatement, StatementFacts } from '../../pipeline/derive.ts';
import { McpDeriver } from './deriver.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const FACTS: StatementFacts = { op: 'tools/call', class: 'write', text: null };

function derive(up: string, down: string, facts: StatementFacts = FACTS, step = 1000) {
  const deriver = new McpDeriver();
  const rows: (string | null)[][] = [];
  let statement: DerivedStatement | null = null;
  deriver.begin(3, [facts], {
    wantsRows: () => true,
    row: (_, values) => void rows.push(values),
    statement: (one) => {
      statement = one;
    },
  });
  for (let at = 0; at < up.length; at += step) deriver.up(bytes(up.slice(at, at + step)), 1000);
  for (let at = 0; at < down.length; at += step) deriver.down(bytes(down.slice(at, at + step)), 1005);
  deriver.end();
  return { rows, statement: statement as unknown as DerivedStatement };
}

const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"send","arguments":{"to":"bob"}}}\n';

describe('a recorded call', () => {
  const down =
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{}}\n' +
    '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"sent"},{"type":"image","mimeType":"image/png","data":"AAAA"}]}}\n';

  it.each([1, 7, 1000])('is told by its request and its answer, in pieces of %i', (step) => {
    const { rows, statement } = derive(CALL, down, FACTS, step);
    expect(statement).toMatchObject({ exchange: 3, text: 'send {"to":"bob"}', rows: 2, durationMs: 5, error: null });
    expect(rows).toEqual([
      ['text', 'sent'],
      ['image', '(3 bytes of image/png)'],
    ]);
  });

  it('ends with the error of its result, or of its answer', () => {
    const failed =
      '{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[{"type":"text","text":"no such user"}]}}\n';
    expect(derive(CALL, failed, { ...FACTS, error: 'isError' }).statement.error).toEqual({
      sqlstate: 'isError',
      message: 'no such user',
    });
    const refused = '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"denied"}}\n';
    expect(derive(CALL, refused, { ...FACTS, error: '-32000' }).statement.error?.message).toBe('denied');
  });

  it('is told from its facts where bytes are missing', () => {
    expect(derive('garbage', '{', { ...FACTS, text: 'send {}' }).statement).toMatchObject({ text: 'send {}', rows: 0 });
  });
});

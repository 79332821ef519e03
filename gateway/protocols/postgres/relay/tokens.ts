import type { Effects } from '../../../contract/operation.ts';
import type { ErrorField } from '../codec/backend.ts';
import { formatAt, readBind } from '../codec/frontend.ts';
import { frontend } from '../codec/messages.ts';
import { writeBind, writeClose, writeDescribe, writeExecute, writeParse, writeSync } from '../codec/write-frontend.ts';
import { MessageWriter } from '../codec/writer.ts';
import type { PutTokens } from '../ports.ts';
import type { StatementInfo } from './names.ts';

/** Of statement and portal in which values are put in. No client can use it: the relay refuses such messages. */
export const TOKENS_NAME = 'countersign: tokens';

/**
 * A Query whose tokens become values, as messages of the extended protocol: the values are parameters,
 * so no text of the server holds them (pg_stat_activity, current_query(), its log). The unnamed
 * statement and portal go as a Query would have them go.
 */
export function queryWithValues({ text, values }: PutTokens): Uint8Array {
  return joined([
    writeClose('statement', TOKENS_NAME),
    writeParse(TOKENS_NAME, text),
    writeClose('statement', ''),
    writeClose('portal', ''),
    writeBind(TOKENS_NAME, TOKENS_NAME, values.hidden),
    writeDescribe('portal', TOKENS_NAME),
    writeExecute(TOKENS_NAME),
    writeClose('portal', TOKENS_NAME),
    writeSync(),
  ]);
}

/** A Bind of the client, with values, to the same statement prepared once more for it. */
export function bindWithValues(put: PutTokens, types: readonly number[], body: Uint8Array): Uint8Array {
  const { portal, parameters, parameterFormats, resultFormats } = readBind(body, 0, body.length);
  const { hidden, parameters: changed } = put.values;
  const writer = new MessageWriter(body.length + 256).begin(frontend.Bind).cstring(portal).cstring(TOKENS_NAME);
  writer.int16(parameters.length + hidden.length);
  for (let i = 0; i < parameters.length; i++) writer.int16(formatAt(parameterFormats, i) === 'binary' ? 1 : 0);
  for (let i = 0; i < hidden.length; i++) writer.int16(0);
  writer.int16(parameters.length + hidden.length);
  parameters.forEach(({ start, length }, i) => {
    const value = changed.get(i) ?? (length < 0 ? null : body.subarray(start, start + length));
    if (value === null) writer.int32(-1);
    else writer.int32(value.length).bytes(value);
  });
  for (const value of hidden) writer.int32(value.length).bytes(value);
  writer.int16(resultFormats.length);
  for (const format of resultFormats) writer.int16(format);
  return joined([
    writeClose('statement', TOKENS_NAME),
    writeParse(TOKENS_NAME, put.text, types),
    writer.end().finish(),
  ]);
}

/** What a person decides on also says which columns the tokens are of. */
export function withWords(statement: StatementInfo, put: PutTokens | null): StatementInfo {
  if (put === null) return statement;
  const { classification } = statement;
  const effects: Effects = { ...classification.effects, words: [...classification.effects.words, ...put.words] };
  return { ...statement, classification: { ...classification, effects } };
}

const WITHHELD = 'Countersign withholds this: it may quote the value that a token stands for';

/**
 * An error or notice of a statement in which values were put. The server quotes what it got in details,
 * contexts and dumps of its plans (debug_print_plan), in forms that nobody can foresee; the message itself
 * is masked as those of other statements that read the column.
 */
export function withoutValues(fields: readonly ErrorField[], put: PutTokens): ErrorField[] {
  const severity =
    fields.find(({ type }) => type === 'V')?.value ?? fields.find(({ type }) => type === 'S')?.value ?? '';
  const quoting = /^(LOG|DEBUG|INFO)/.test(severity) ? 'MDHWq' : 'DHWq';
  return fields
    .filter(({ type }) => type !== 'p')
    .map(({ type, value }) => {
      if (quoting.includes(type)) return { type, value: WITHHELD };
      if (type === 'M')
        return { type, value: put.opened.reduce((text, own) => text.replaceAll(own || WITHHELD, '[token]'), value) };
      if (type === 'P') return { type, value: String(put.position(Number(value))) };
      return { type, value };
    });
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TokenTable } from './token-table.ts';
import { createColumnTokens, looksLikeToken, MAX_TOKEN, mayHoldToken, tokenKey, uuidText } from './tokens.ts';

const KEY = new Uint8Array(32).fill(7);
const EMAIL = ['public', 'customers', 'email'];
const encode = (text: string) => new TextEncoder().encode(text);
const ascii = (bytes: Uint8Array | null) => Buffer.from(bytes ?? []).toString('latin1');

function tokens(scope = ['app', 'ada', 'conversation 1'], column = EMAIL, table = new TokenTable()) {
  return createColumnTokens(tokenKey(KEY, scope), column, table);
}

describe('tokens of text', () => {
  test('stand for any value up to 256 bytes, the same one each time, and after a restart', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 256 }), (value) => {
        const token = ascii(tokens().sealText(value));
        expect(looksLikeToken(token)).toBe(true);
        expect(mayHoldToken(`x${token}y`)).toBe(true);
        expect(token.length).toBeLessThanOrEqual(MAX_TOKEN);
        expect(tokens().openText(token)).toEqual(Buffer.from(value));
      }),
    );
    expect(tokens().sealText(new Uint8Array(257))).toBeNull();
  });

  test('differ by column, conversation, person, database and value, and open nowhere else', () => {
    const value = encode('ada@example.org');
    const own = ascii(tokens().sealText(value));
    const others = [
      tokens(['app', 'ada', 'conversation 2']),
      tokens(['app', 'bob', 'conversation 1']),
      tokens(['other', 'ada', 'conversation 1']),
      tokens(['app', 'ada', 'conversation 1'], ['public', 'customers', 'phone']),
      tokens(['app', 'ada', 'conversation 1'], ['public', 'customers.email', '']),
      createColumnTokens(tokenKey(new Uint8Array(32), ['app', 'ada', 'conversation 1']), EMAIL, new TokenTable()),
    ];
    for (const other of others) {
      expect(other.openText(own)).toBeNull();
      expect(ascii(other.sealText(value))).not.toBe(own);
    }
    expect(ascii(tokens().sealText(encode('ada@example.orh')))).not.toBe(own);
  });

  test('that were changed in any character, cut or made longer are none', () => {
    const own = ascii(tokens().sealText(encode('ada@example.org and more')));
    for (let at = 0; at < own.length; at += 1) {
      const changed = own.slice(0, at) + (own[at] === 'A' ? 'B' : 'A') + own.slice(at + 1);
      expect(tokens().openText(changed)).toBeNull();
      expect(tokens().openText(own.slice(0, at))).toBeNull();
    }
    for (const more of ['A', 'AAAA', ' ', '=', "'"]) expect(tokens().openText(own + more)).toBeNull();
  });

  test('say of the length only how many blocks of 16 bytes it takes', () => {
    const lengths = [0, 1, 15, 16, 31, 32].map((length) => tokens().sealText(new Uint8Array(length))!.length);
    expect(lengths[0]).toBe(lengths[2]);
    expect(lengths[3]).toBe(lengths[4]);
    expect(new Set(lengths).size).toBe(3);
  });

  test('anything may be said to be one', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((text) => `tok_${text}`),
        ),
        (text) => {
          expect(tokens().openText(text)).toBeNull();
          expect(tokens().openUuid(text)).toEqual({ kind: 'none' });
        },
      ),
    );
  });
});

describe('tokens of UUIDs', () => {
  const value = Buffer.from('0f8fad5bd9cb469fa16570867728950e', 'hex');

  test('are UUIDs of version 8 that stand for the value while the table has it', () => {
    const table = new TokenTable(2);
    const own = tokens(undefined, EMAIL, table);
    const token = uuidText(own.sealUuid(value)!);
    expect(looksLikeToken(token)).toBe(true);
    expect(own.openUuid(token)).toEqual({ kind: 'value', value: '0f8fad5b-d9cb-469f-a165-70867728950e' });
    expect(uuidText(own.sealUuid(value)!)).toBe(token);
    for (let i = 0; i < 2; i += 1) own.sealUuid(new Uint8Array(16).fill(i));
    expect(own.openUuid(token)).toEqual({ kind: 'forgotten' });
    expect(tokens().openUuid(token)).toEqual({ kind: 'forgotten' });
    own.sealUuid(value);
    expect(own.openUuid(token).kind).toBe('value');
  });

  test('of another column or conversation, and other UUIDs of that version, are none', () => {
    const token = uuidText(tokens().sealUuid(value)!);
    expect(tokens(['app', 'ada', 'conversation 2']).openUuid(token)).toEqual({ kind: 'none' });
    expect(tokens(undefined, ['public', 'orders', 'customer']).openUuid(token)).toEqual({ kind: 'none' });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        bytes[6] = 0x80 | (bytes[6]! & 15);
        bytes[8] = 0x80 | (bytes[8]! & 63);
        expect(tokens().openUuid(uuidText(bytes))).toEqual({ kind: 'none' });
      }),
    );
  });
});

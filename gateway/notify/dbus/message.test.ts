import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DBusValue } from './marshal.ts';
import { type DBusMessage, FIXED_HEADER, MAX_MESSAGE, messageLength, readMessage, writeMessage } from './message.ts';

const malformed = expect.objectContaining({ code: 'DBUS_MALFORMED' });

function signal(signature: string, body: readonly DBusValue[]): DBusMessage {
  return {
    type: 4,
    flags: 1,
    serial: 7,
    path: '/org/freedesktop/Notifications',
    interface: 'org.freedesktop.Notifications',
    member: 'ActionInvoked',
    sender: ':1.5',
    signature,
    body,
  };
}

/** NameAcquired of a dbus-daemon 1.14, as it came. */
const NAME_ACQUIRED = Buffer.from(
  '6c04010109000000020000008d00000001016f00150000002f6f72672f667265656465736b746f702f444275730000000201' +
    '7300140000006f72672e667265656465736b746f702e4442757300000000030173000c0000004e616d654163717569726564' +
    '0000000006017300040000003a312e3800000000080167000173000007017300140000006f72672e667265656465736b746f' +
    '702e4442757300000000040000003a312e3800',
  'hex',
);

describe('a message', () => {
  it('is read as a bus writes it', () => {
    expect(messageLength(NAME_ACQUIRED)).toBe(NAME_ACQUIRED.length);
    expect(readMessage(NAME_ACQUIRED)).toMatchObject({
      type: 4,
      serial: 2,
      member: 'NameAcquired',
      destination: ':1.8',
      sender: 'org.freedesktop.DBus',
      body: [':1.8'],
    });
  });

  it('comes back as it was written', () => {
    const values: [string, DBusValue][] = [
      ['y', 7],
      ['b', true],
      ['i', -1],
      ['u', 4_294_967_295],
      ['s', 'größer →'],
      ['o', '/a/b'],
      ['g', 'a{sv}'],
      ['as', ['a', '', 'b']],
      ['au', []],
      ['a{sv}', [['urgency', { signature: 'y', value: 2 }]]],
      [
        '(sa(yu))',
        [
          'x',
          [
            [1, 2],
            [3, 4],
          ],
        ],
      ],
    ];
    const message = signal(
      values.map(([type]) => type).join(''),
      values.map(([, value]) => value),
    );
    expect(readMessage(writeMessage(message))).toEqual(message);
    for (const [type, value] of values) expect(readMessage(writeMessage(signal(type, [value]))).body).toEqual([value]);
  });

  it('is refused when it is cut, longer than it says, too long, or none', () => {
    const whole = writeMessage(signal('us', [3, 'approve']));
    expect(messageLength(whole)).toBe(whole.length);
    for (let end = FIXED_HEADER; end < whole.length; end++) {
      expect(() => readMessage(whole.subarray(0, end))).toThrow(malformed);
    }
    expect(() => readMessage(Buffer.concat([whole, Buffer.alloc(1)]))).toThrow(malformed);
    const long = Buffer.from(whole);
    long.writeUInt32LE(MAX_MESSAGE, 4);
    expect(() => messageLength(long)).toThrow(malformed);
    expect(() => messageLength(Buffer.from('HTTP/1.1 400 Bad'))).toThrow(malformed);
  });

  it('is refused when its values never end or are nested too deep', () => {
    const depth = 40;
    let value: DBusValue = 1;
    for (let i = 0; i < depth; i++) value = { signature: i === 0 ? 'y' : 'v', value };
    expect(() => readMessage(writeMessage(signal('v', [value])))).toThrow(malformed);
    expect(() => writeMessage(signal(`${'a'.repeat(depth)}y`, [[]]))).toThrow(malformed);
    const empty = writeMessage(signal('au', [[1, 2]]));
    // The body's type becomes an array of structs with nothing in them.
    const at = empty.indexOf('\x02au\0', 0, 'latin1');
    expect(at).toBeGreaterThan(0);
    expect(() =>
      readMessage(Buffer.concat([empty.subarray(0, at), Buffer.from('\x03a()\0'), empty.subarray(at + 5)])),
    ).toThrow(malformed);
  });

  it('that is damaged is read or refused, and nothing else happens', () => {
    const whole = writeMessage(signal('usa{sv}', [3, 'approve', [['x', { signature: 'as', value: ['y'] }]]]));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length - 1), fc.nat(255), (a, x, b, y) => {
        const damaged = Buffer.from(whole);
        damaged[a] = x;
        damaged[b] = y;
        try {
          expect(readMessage(damaged.subarray(0, Math.max(FIXED_HEADER, messageLength(damaged))))).toHaveProperty(
            'body',
          );
        } catch (error) {
          expect(error).toEqual(malformed);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

import { describe, expect, it } from 'vitest';
import { parseObjectName } from './object-names.ts';

const device = '01JTESTDEVCE00000000000001';

describe('names of objects', () => {
  it('knows every kind', () => {
    expect(parseObjectName('acme/trust/000007.note')).toEqual({ kind: 'trust', org: 'acme', n: 7 });
    expect(parseObjectName(`acme/${device}/identity/0a1b2c3d.change.note`)).toEqual({
      kind: 'identity',
      org: 'acme',
      device,
    });
    expect(parseObjectName(`acme/${device}/log/tile/entries/x001/x234/067.p/9`)).toMatchObject({
      kind: 'tile',
      level: 'entries',
      index: 1_234_067,
      width: 9,
    });
    expect(parseObjectName(`acme/${device}/log/tile/0/000`)).toMatchObject({ level: 0, index: 0, width: 256 });
    expect(parseObjectName(`acme/${device}/log/checkpoint.12`)).toMatchObject({ size: 12, by: 'log' });
    expect(parseObjectName(`acme/${device}/log/checkpoint.12.0a1b2c3d`)).toMatchObject({ size: 12, by: 'witness' });
    expect(parseObjectName(`acme/${device}/log/checkpoint.12.1.tsr`)).toMatchObject({ size: 12, by: 'tsa' });
    expect(parseObjectName(`acme/${device}/sessions/2026/03/04/S1/part-000003.r2.tar.age`)).toEqual({
      kind: 'part',
      org: 'acme',
      device,
      day: '2026/03/04',
      sid: 'S1',
      n: 3,
      encrypted: true,
    });
  });

  it('knows further attempts', () => {
    expect(parseObjectName('acme/trust/000007.note.r1')).toEqual({ kind: 'trust', org: 'acme', n: 7 });
    expect(parseObjectName(`acme/${device}/log/tile/0/000.p/5.r12`)).toMatchObject({ index: 0, width: 5 });
    expect(parseObjectName(`acme/${device}/log/checkpoint.12.r2`)).toMatchObject({ size: 12, by: 'log' });
    expect(parseObjectName('acme/trust/000007.note.r0')).toBeNull();
  });

  it.each([
    'acme/trust/7.note',
    'acme/trust/000007.note/x',
    '../trust/000007.note',
    `acme/${device}/identity/../../x.note`,
    `acme/${device}/log/tile/0/x000/001`,
    `acme/${device}/log/tile/0/000.p/256`,
    `acme/${device}/log/tile/0/000.p/09`,
    `acme/${device}/log/checkpoint`,
    `acme/${device}/sessions/2026/03/04/../part-000003.tar`,
    `acme/${device}/sessions/2026/03/04/S1/part-000003.r0.tar`,
  ])('knows no %s', (name) => {
    expect(parseObjectName(name)).toBeNull();
  });
});

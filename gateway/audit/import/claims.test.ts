import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../recording/test-support.ts';
import { readPart, writePart } from '../../sync/part.ts';
import { failures, report, TestWorkspaces, take } from '../test-import.ts';
import type { Objects } from '../test-organisation.ts';

/** A session that two claim with parts that can be read: whose it is does not hang on which came first. */
const vectors = JSON.parse(
  fs.readFileSync(join(import.meta.dirname, '../../../test/vectors/evidence/stores.json'), 'utf8'),
) as { root: string; now: string; store: Record<string, string> };
const now = Date.parse(vectors.now);
const valid: Objects = new Map(
  Object.entries(vectors.store).map(([name, text]) => [name, Buffer.from(text, 'base64')]),
);
const parts = [...valid.keys()].filter((name) => name.includes('/part-')).sort();
const [, device = '', , , , , sid = ''] = parts[0]!.split('/');
const own = parts.filter((name) => name.includes(`/${sid}/`));
const dir = temporaryFolder('claims');
let workspaces: TestWorkspaces;
beforeAll(async () => {
  workspaces = await TestWorkspaces.make(dir, vectors.root);
}, 60_000);
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

/** The session's parts elsewhere, whole and with other words in them. */
function claim(rename: (name: string) => string): Objects {
  return new Map(
    own.map((name) => {
      const part = readPart(valid.get(name)!);
      const ranges = part.ranges.map((range) =>
        range.name === 'open.json'
          ? { ...range, bytes: Buffer.from(Buffer.from(range.bytes).toString().replace('ada', 'eve')) }
          : range,
      );
      return [rename(name), writePart({ ...part, ranges })];
    }),
  );
}

const orders = (claimed: Objects): Record<string, Objects[]> => ({
  'before the true ones': [claimed, new Map([...valid, ...claimed])],
  'at the same time': [new Map([...valid, ...claimed])],
  'after them': [valid, new Map([...valid, ...claimed])],
  'before the log that decides': [
    new Map([...claimed, ...own.map((name) => [name, valid.get(name)!] as const)]),
    new Map([...valid, ...claimed]),
  ],
});

const claims: [string, (name: string) => string][] = [
  ['a device whose name sorts first', (name) => name.replace(device, '00000000000000000000000000')],
  ['a device whose name sorts last', (name) => name.replace(device, '7ZZZZZZZZZZZZZZZZZZZZZZZZZ')],
  ['the same device on another day', (name) => name.replace(/\d{4}\/\d\d\/\d\d/, '2001/01/01')],
];

describe.each(claims)('claimed by %s', (_, rename) => {
  it('is its own device’s whatever came first, the whole of it, and the claim is told in the same words', async () => {
    const told = new Set<string>();
    const claimed = claim(rename);
    for (const [order, steps] of Object.entries(orders(claimed))) {
      const workspace = workspaces.next();
      for (const objects of steps) await take(workspace, objects, now);
      const found = await report(workspace, now);
      const genuine = found.devices.find((one) => one.device === device)!;
      expect([order, genuine.sessions.map(({ ok }) => ok)]).toEqual([order, [true, true]]);
      const said = failures(found).filter((one) => one.startsWith('claims'));
      expect([order, said.length]).toEqual([order, 1]);
      told.add(said[0]!);
      // Again, and nothing changes.
      await take(workspace, steps.at(-1)!, now);
      expect(failures(await report(workspace, now))).toEqual(failures(found));
    }
    expect([...told]).toEqual([expect.stringContaining(`is that of device ${device}`)]);
  });
});

describe('claimed by two of which no log speaks', () => {
  it('is that of the name which sorts first, whatever came first', async () => {
    const first = claim((name) => name.replace(device, '00000000000000000000000000'));
    const second = claim((name) => name.replace(device, '00000000000000000000000001'));
    const reports: string[][] = [];
    for (const steps of [[first], [second]]) {
      const workspace = workspaces.next();
      for (const objects of steps) await take(workspace, objects, now);
      await take(workspace, new Map([...first, ...second]), now);
      reports.push(failures(await report(workspace, now)));
    }
    expect(reports[0]).toEqual(reports[1]);
    expect(reports[0]!.join()).toContain('is that of device 00000000000000000000000000');
  });
});

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseAlertRules } from '../../gateway/alerts/rules-file.ts';
import { parseObjectName } from '../../gateway/audit/object-names.ts';
import { isCountersignError } from '../../gateway/contract/errors.ts';
import { parseCheckpoint } from '../../gateway/evidence/format/checkpoint.ts';
import { LogEntry } from '../../gateway/evidence/format/log-entries.ts';
import { parseDocument } from '../../gateway/evidence/format/signed-document.ts';
import { formatNote, parseNote } from '../../gateway/evidence/format/signed-note.ts';
import { parseEntryBundle, parseTileName, tileName } from '../../gateway/evidence/format/tiles.ts';
import { parseProof } from '../../gateway/evidence/format/tlog-proof.ts';
import { parseVkey } from '../../gateway/evidence/format/vkey.ts';
import { readToken } from '../../gateway/evidence/timestamp/token.ts';
import { parseAddCheckpoint } from '../../gateway/evidence/witness/request.ts';
import { FormatError } from '../../gateway/recording/format/primitives.ts';
import { nodePrimitives as p } from '../../gateway/recording/primitives.ts';
import { parseTarHeader, tarHeader } from '../../gateway/recording/tar.ts';
import { decryptPart } from '../../gateway/sync/age.ts';
import { parseSyncConfig } from '../../gateway/sync/config.ts';
import { readPart, writePart } from '../../gateway/sync/part.ts';
import { parseList } from '../../gateway/sync/targets/s3-xml.ts';
import { holds, PATIENCE } from './support/runs.ts';

/** What comes from a store, a device or a file: the parsers say what is wrong with a code, and never fail otherwise. */
const vectors = JSON.parse(readFileSync(new URL('../vectors/evidence/stores.json', import.meta.url), 'utf8')) as {
  store: Record<string, string>;
};
const objects = Object.entries(vectors.store).map(([name, text]) => ({ name, bytes: Buffer.from(text, 'base64') }));
const like = (part: RegExp) => objects.filter(({ name }) => part.test(name)).map(({ bytes }) => bytes);

/** Bytes that stand for something in one of the formats. */
const TOKENS = [
  '\n',
  '\n\n',
  '— ',
  '[',
  '{',
  '"',
  ',',
  '\0',
  '<',
  '&',
  '%',
  '..',
  '/',
  '\u202e',
  '\ud800',
  '1e999',
  '-0',
];

type Change = readonly [at: number, cut: number, put: string | Uint8Array];
const change: fc.Arbitrary<Change> = fc.tuple(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.nat(64),
  fc.oneof(fc.constantFrom(...TOKENS), fc.uint8Array({ maxLength: 16 }), fc.string({ maxLength: 8 })),
);

/** Samples with some places changed, cut or repeated, and noise. */
const mutated = (samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 2000 }) },
    {
      weight: 6,
      arbitrary: fc.tuple(fc.constantFrom(...samples), fc.array(change, { maxLength: 4 })).map(([sample, changes]) => {
        let bytes = Buffer.from(sample);
        for (const [where, cut, put] of changes) {
          const at = Math.floor(where * bytes.length);
          bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(put as string), bytes.subarray(at + cut)]);
        }
        return bytes;
      }),
    },
  );

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
const json = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(text(bytes));
  } catch {
    return null;
  }
};
const asBytes = (...texts: string[]) => texts.map((one) => Buffer.from(one));

const LIST = `<?xml version="1.0"?><ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
<NextKeyMarker>a%2Fb</NextKeyMarker><Version><Key>a%2Bx</Key><VersionId>v2</VersionId><Size>5</Size></Version></ListVersionsResult>`;
const SYNC = JSON.stringify({
  version: 1,
  store: { id: '0123456789abcdef', target: { kind: 'folder', path: '/mnt/store' } },
  retention: { rules: [], budget: null },
});
const RULES = JSON.stringify({
  version: 1,
  rules: [{ id: 'x', title: 'x', severity: 'high', when: 'true' }],
  disable: [],
});
const ROOT = 'countersign/org/acme+0a1b2c3d+AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=';
const notes = like(/\.note$/);
const checkpoints = like(/checkpoint\.\d+$/);

const PARSERS: readonly [string, readonly Uint8Array[], (bytes: Uint8Array) => unknown][] = [
  ['a signed note', notes, parseNote],
  ['a trust note', notes, (bytes) => parseDocument('trust', bytes)],
  ['an enrolment', notes, (bytes) => parseDocument('enrolment', bytes)],
  ['a binding', notes, (bytes) => parseDocument('binding', bytes)],
  ['a key change', notes, (bytes) => parseDocument('key-change', bytes)],
  ['a checkpoint', checkpoints, parseCheckpoint],
  [
    'a proof',
    checkpoints.map((one) => Buffer.concat([Buffer.from('c2sp.org/tlog-proof@v1\nindex 1\n\n'), one])),
    parseProof,
  ],
  ['a witness’ request', checkpoints.map((one) => Buffer.concat([Buffer.from('old 0\n\n'), one])), parseAddCheckpoint],
  ['a vkey', asBytes(ROOT), (bytes) => parseVkey(p.sha256, text(bytes))],
  ['an entry bundle', like(/tile\/entries/), (bytes) => parseEntryBundle(bytes, 3)],
  ['a part', like(/\/part-/), readPart],
  [
    'a tar header',
    [tarHeader('part.json', 5)],
    (bytes) => parseTarHeader(Buffer.concat([bytes, Buffer.alloc(512)], 512)),
  ],
  ['a time stamp', [Buffer.from('308203e930030201003082', 'hex')], readToken],
  ['a list of S3', asBytes(LIST), (bytes) => parseList(text(bytes))],
  ['a configuration of sync', asBytes(SYNC), (bytes) => parseSyncConfig(json(bytes), 'it')],
  ['alert rules', asBytes(RULES), (bytes) => parseAlertRules('it', text(bytes))],
  [
    'an entry of a log',
    asBytes('{"v":1,"n":1,"t":"2026-01-01T00:00:00.000Z","type":"started"}'),
    (bytes) => LogEntry.safeParse(json(bytes)),
  ],
];

const isOurs = (error: unknown) => error instanceof FormatError || isCountersignError(error);

it.each(PARSERS)(
  '%s',
  async (_, samples, parse) => {
    let refused = 0;
    await holds(
      2000,
      fc.asyncProperty(mutated(samples), async (bytes) => {
        try {
          parse(bytes);
        } catch (error) {
          if (!isOurs(error)) throw error;
          refused += 1;
        }
      }),
    );
    expect(refused + Number(parse === PARSERS.at(-1)![2])).toBeGreaterThan(0);
  },
  PATIENCE,
);

it(
  'a note that is read has the one form that it is written in',
  async () => {
    await holds(
      2000,
      fc.asyncProperty(mutated([...notes, ...checkpoints]), async (bytes) => {
        let note: ReturnType<typeof parseNote>;
        try {
          note = parseNote(bytes);
        } catch {
          return;
        }
        expect(Buffer.from(formatNote(note)).equals(Buffer.from(bytes))).toBe(true);
      }),
    );
  },
  PATIENCE,
);

it(
  'a part that is read has the one form that it is written in',
  async () => {
    await holds(
      2000,
      fc.asyncProperty(mutated(like(/\/part-/)), async (bytes) => {
        let part: ReturnType<typeof readPart>;
        try {
          part = readPart(bytes);
        } catch {
          return;
        }
        expect(Buffer.from(writePart(part)).equals(Buffer.from(bytes))).toBe(true);
      }),
    );
  },
  PATIENCE,
);

it(
  'the name of an object leads nowhere else, and has one form',
  async () => {
    const names = objects.map(({ name }) => Buffer.from(name));
    await holds(
      5000,
      fc.asyncProperty(mutated(names), async (bytes) => {
        const name = text(bytes);
        const found = parseObjectName(name);
        if (found === null) return;
        expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/);
        expect(name.split('/').every((part) => part !== '' && !part.startsWith('.'))).toBe(true);
        if (found.kind === 'tile') expect(name.replace(/\.r\d+$/, '').endsWith(tileName(found))).toBe(true);
        const tile = parseTileName(name);
        if (tile !== null) expect(tileName(tile)).toBe(name);
      }),
    );
  },
  PATIENCE,
);

it(
  'an encrypted part',
  async () => {
    const header = Buffer.from(
      `age-encryption.org/v1\n-> X25519 ${'A'.repeat(43)}\n${'A'.repeat(43)}\n--- ${'A'.repeat(43)}\n`,
    );
    await holds(
      500,
      fc.asyncProperty(mutated([header]), async (bytes) => {
        await expect(decryptPart(bytes, [])).rejects.toSatisfy(isOurs);
      }),
    );
  },
  PATIENCE,
);

import fc from 'fast-check';
import { frontend } from '../../../gateway/protocols/postgres/codec/messages.ts';
import { writeMessage } from '../../../gateway/protocols/postgres/codec/write-backend.ts';
import {
  writeBind,
  writeClose,
  writeCopyDone,
  writeCopyFail,
  writeDescribe,
  writeExecute,
  writeParse,
  writeQuery,
  writeSync,
} from '../../../gateway/protocols/postgres/codec/write-frontend.ts';

/** Some messages of a client; `says` is what a failing case prints. */
export interface Step {
  says: string;
  bytes: Uint8Array;
}

const LONG = 'n'.repeat(63);
/** Names that SQL can give too, so that both ways of naming meet; two that the server takes for one. */
const NAMES = ['', 'a', 'b', 'c', `${LONG}1`, `${LONG}2`];

const INSERT = 'INSERT INTO forbidden VALUES (1)';
const FORBIDDEN = [INSERT, `${INSERT} RETURNING 1`, `WITH x AS (${INSERT} RETURNING 1) SELECT * FROM x`];
const HARMLESS = [
  'SELECT 1',
  "SELECT 'x' AS y, g FROM generate_series(1, 3) g",
  'SELECT $1::int',
  'INSERT INTO allowed VALUES (1) RETURNING 1',
  'SHOW search_path',
  '',
  'SELECT )',
  'SELECT 1/0',
];
const TRANSACTIONS = ['BEGIN', 'COMMIT', 'ROLLBACK', 'SAVEPOINT s', 'ROLLBACK TO s'];
const name = fc.constantFrom('a', 'b', 'c');

/** One statement, as Parse takes it. */
function statement(inner: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const naming = fc
    .tuple(name, inner, fc.constantFrom('', ' WITH HOLD'))
    .chain(([n, sql, hold]) =>
      fc.constantFrom(
        `PREPARE ${n} AS ${sql}`,
        `EXECUTE ${n}`,
        `DEALLOCATE ${n}`,
        'DEALLOCATE ALL',
        `DECLARE ${n} CURSOR${hold} FOR SELECT 1`,
        `DECLARE ${n} CURSOR${hold} FOR ${sql}`,
        `FETCH ALL FROM ${n}`,
        `FETCH 1 FROM ${n}`,
        `MOVE ALL IN ${n}`,
        `CLOSE ${n}`,
        'CLOSE ALL',
        `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) EXECUTE ${n}`,
      ),
    );
  return fc.oneof(
    { weight: 3, arbitrary: inner },
    { weight: 3, arbitrary: naming },
    { weight: 2, arbitrary: fc.constantFrom(...TRANSACTIONS) },
  );
}

const plain = fc.constantFrom(...HARMLESS, ...FORBIDDEN);
const sql = statement(plain);
const wireName = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('', 'a', 'b', 'c') }, fc.constantFrom(...NAMES));

const step = (says: string, bytes: Uint8Array): Step => ({ says, bytes });
const copyData = (text: string) => writeMessage(frontend.CopyData, new TextEncoder().encode(text));
const flush = writeMessage(frontend.Flush, new Uint8Array(0));
const ONE = new TextEncoder().encode('1');

const parse = fc.tuple(wireName, sql).map(([n, text]) => step(`P ${n}=${text}`, writeParse(n, text)));
const bind = fc
  .tuple(wireName, wireName, fc.integer({ min: 0, max: 4 }))
  .map(([p, s, some]) => step(`B ${p}<${s}`, writeBind(p, s, some === 0 ? [ONE] : [])));
const describe = fc
  .tuple(fc.constantFrom('statement', 'portal'), wireName)
  .map(([kind, n]) => step(`D ${kind[0]} ${n}`, writeDescribe(kind, n)));
const execute = fc
  .tuple(wireName, fc.constantFrom(0, 0, 1))
  .map(([p, max]) => step(`E ${p} ${max}`, writeExecute(p, max)));
const close = fc
  .tuple(fc.constantFrom('statement', 'portal'), wireName)
  .map(([kind, n]) => step(`C ${kind[0]} ${n}`, writeClose(kind, n)));
const sync = fc.constant(step('S', writeSync()));
const query = fc
  .array(sql, { minLength: 1, maxLength: 3 })
  .map((texts) => texts.join('; '))
  .map((text) => step(`Q ${text}`, writeQuery(text)));

/** What drivers send for one statement; often enough whole, so that something runs at all. */
const whole = fc
  .tuple(wireName, wireName, sql, fc.boolean(), fc.boolean())
  .map(([s, p, text, described, synced]) =>
    step(
      `P ${s}=${text} B ${p}<${s}${described ? ' D' : ''} E ${p}${synced ? ' S' : ''}`,
      Buffer.concat([
        writeParse(s, text),
        writeBind(p, s, []),
        ...(described ? [writeDescribe('portal', p)] : []),
        writeExecute(p),
        ...(synced ? [writeSync()] : []),
      ]),
    ),
  );

const COPIES = ['COPY allowed FROM STDIN', 'COPY nowhere FROM STDIN', 'COPY forbidden FROM STDIN'];
const copyIn = fc
  .tuple(
    fc.constantFrom(...COPIES),
    fc.array(fc.constantFrom('1\n', '2\n3\n', '4', '\n', 'no number\n'), { maxLength: 4 }),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([text, rows, done, extended]) =>
    step(
      `${extended ? 'PBE' : 'Q'} ${text} ${JSON.stringify(rows)} ${done ? 'c' : 'f'}${extended ? ' S' : ''}`,
      Buffer.concat([
        ...(extended ? [writeParse('', text), writeBind('', '', []), writeExecute('')] : [writeQuery(text)]),
        ...rows.map(copyData),
        done ? writeCopyDone() : writeCopyFail('no more'),
        ...(extended ? [writeSync()] : []),
      ]),
    ),
  );
const copyOut = fc.constant(step('Q COPY TO', writeQuery('COPY (SELECT 1) TO STDOUT')));

/** Messages in the order in which a client may send them, errors and all. */
export const orderly: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: parse },
    { weight: 4, arbitrary: bind },
    { weight: 2, arbitrary: describe },
    { weight: 4, arbitrary: execute },
    { weight: 2, arbitrary: close },
    { weight: 5, arbitrary: sync },
    { weight: 4, arbitrary: query },
    { weight: 4, arbitrary: whole },
    { weight: 1, arbitrary: copyIn },
    { weight: 1, arbitrary: copyOut },
    { weight: 1, arbitrary: fc.constant(step('H', flush)) },
  ),
  { minLength: 1, maxLength: 24 },
);

/** And what no driver sends: pieces of COPY anywhere, a Sync inside it, bytes of one message changed. */
export const wild: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.array(
      fc.oneof(
        { weight: 3, arbitrary: orderly },
        {
          weight: 1,
          arbitrary: fc
            .constantFrom(
              step('d bad', copyData('no number\n')),
              step('d', copyData('1\n')),
              step('c', writeCopyDone()),
              step('f', writeCopyFail('no')),
              step('E copy', Buffer.concat([writeParse('', COPIES[0]!), writeBind('', '', []), writeExecute('')])),
              step('Q copy', writeQuery(COPIES[0]!)),
              step('H', flush),
            )
            .map((one) => [one]),
        },
      ),
      { minLength: 1, maxLength: 6 },
    ),
    fc.option(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { freq: 5 }),
  )
  .map(([groups, damage]) => {
    const steps = groups.flat();
    if (!damage) return steps;
    const [at, byte] = damage;
    return steps.map((one, i) => {
      if (i !== at % steps.length) return one;
      const bytes = Uint8Array.from(one.bytes);
      bytes[at % bytes.length] = byte;
      return step(`damaged ${one.says}`, bytes);
    });
  });

/** How the bytes are cut into writes: 0 is all at once. */
export const cuts = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 }));

/** Ends whatever is under way, and has an answer that nothing else has. */
export function ending(mark: string): Uint8Array {
  return Buffer.concat([
    writeCopyFail('the end'),
    writeSync(),
    writeQuery('ROLLBACK'),
    writeQuery('DEALLOCATE ALL'),
    writeQuery(`SELECT '${mark}'`),
  ]);
}

import { Connection } from '../../gateway/contract/connection.ts';
import type { Verdict } from '../../gateway/contract/decision.ts';
import { createPipeline } from '../../gateway/pipeline/pipeline.ts';
import type { SessionRecorder } from '../../gateway/pipeline/ports.ts';
import {
  writeCommandComplete,
  writeDataRow,
  writeReadyForQuery,
  writeRowDescription,
} from '../../gateway/protocols/postgres/codec/write-backend.ts';
import { writeQuery } from '../../gateway/protocols/postgres/codec/write-frontend.ts';
import { createMasking } from '../../gateway/protocols/postgres/masking/masking.ts';
import type {
  CatalogSnapshot,
  Classification,
  FieldDescription,
  Masking,
} from '../../gateway/protocols/postgres/ports.ts';
import { Relay } from '../../gateway/protocols/postgres/relay/relay.ts';
import type { RelayDeps } from '../../gateway/protocols/postgres/relay/state.ts';

/**
 * What a masked result costs from read to write, without sockets and recorder: MB of the server's bytes a
 * second of the thread's own CPU time, as the median of rounds. To compare two checkouts, run both in turns:
 *   npx node test/bench/masked-relay.ts [rounds]
 */

const TABLE = 16_400;
const ROWS = 100_000;
const READ = 64 * 1024;
const rounds = Number(process.argv[2] ?? 7);

const connection = Connection.parse({ id: 'bench', kind: 'postgres', host: 'h', user: 'u', database: 'd' });
const tag = { schema: 'public', table: 'customers', column: 'name', entity: 'PERSON', action: 'redact' } as const;
const catalog: CatalogSnapshot = {
  tagByOid: new Map([[TABLE, new Map([[2, tag]])]]),
  relations: [],
  functions: [],
  volatileBuiltins: new Set(),
};
const classification: Classification = {
  effects: {
    class: 'read',
    ops: ['SELECT'],
    flags: [],
    reads: [],
    writes: [],
    filtersOn: [],
    functions: [],
    words: [],
    fingerprint: '0',
    shape: '',
  },
  output: { columns: [[], [tag], [], []], all: [tag] },
  names: [],
};
const verdict: Verdict = {
  effect: 'allow',
  policyIds: [],
  policyHash: '0',
  reason: '',
  level: 'click',
  expiresSeconds: 1,
  grantable: false,
};
const recorder: SessionRecorder = {
  request: () => {},
  response: () => {},
  statement: () => {},
  end: () => {},
  durable: async () => {},
  event: () => {},
  close: async () => {},
  at: 0,
  backlog: 0,
  drained: async () => {},
};

function relay(masking: Masking | null): Relay {
  const policy = { hash: '0', decide: () => verdict, decideAction: () => verdict };
  const approvals = { coveredBy: () => null, sessionClosed: () => {}, hold: () => Promise.reject(new Error('held')) };
  const nothing = () => {};
  const deps = {
    session: { masked: {}, bytesDown: 0, bytesUp: 0, rows: 0, identity: {}, agent: {}, database: 'd', role: 'u' },
    connection,
    io: {
      toClient: nothing,
      toServer: nothing,
      pauseClient: nothing,
      resumeClient: nothing,
      endServer: nothing,
      finish: nothing,
    },
    recorder,
    pipeline: createPipeline({ policy, approvals } as unknown as Parameters<typeof createPipeline>[0]),
    classifier: { classify: () => classification, classifyLarge: async () => classification },
    masking,
    database: { catalog, stale: false, invalidate: nothing, refresh: async () => {}, estimate: async () => null },
    digest: () => '',
    monotonic: () => 0,
    unexpected: (error: unknown) => {
      throw error;
    },
    parameters: new Map(),
  };
  return new Relay(deps as unknown as RelayDeps);
}

const field = (name: string, columnNumber: number, typeOid: number): FieldDescription => ({
  name,
  tableOid: TABLE,
  columnNumber,
  typeOid,
  typeModifier: -1,
  format: 'text',
});
const encode = (text: string) => new TextEncoder().encode(text);

function reads(fields: readonly FieldDescription[], values: (i: number) => string[]): Uint8Array[] {
  const all = Buffer.concat([
    writeRowDescription(fields),
    ...Array.from({ length: ROWS }, (_, i) => writeDataRow(values(i).map(encode))),
    writeCommandComplete(`SELECT ${ROWS}`),
    writeReadyForQuery('idle'),
  ]);
  return Array.from({ length: Math.ceil(all.length / READ) }, (_, i) => all.subarray(i * READ, (i + 1) * READ));
}

const narrow = [field('id', 1, 23), field('name', 2, 25), field('at', 3, 1184), field('note', 4, 25)];
const values = (i: number) => [
  String(i),
  `Customer ${i} of Spain`,
  '2026-11-21 02:49:42.123456+00',
  `order of ${i % 7} boxes`,
];
const masking = createMasking(connection, new Uint8Array(32).fill(1));
const data = reads(narrow, values);
const untagged = reads(
  narrow.map((one) => ({ ...one, tableOid: 0 })),
  values,
);
const cases: [string, Masking | null, Uint8Array[]][] = [
  ['no masking', null, data],
  ['one tagged, one looked into', masking, data],
  [
    'two looked into, nothing found',
    { ...masking, forResult: (f, _, c) => masking.forResult(f, { columns: [[], [], [], []], all: [] }, c) },
    untagged,
  ],
];

for (const [name, of, chunks] of cases) {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const one = relay(of);
    one.clientData(writeQuery('SELECT'));
    const start = process.threadCpuUsage();
    for (const chunk of chunks) one.serverData(chunk);
    const { user, system } = process.threadCpuUsage(start);
    rates.push(bytes / (user + system));
  }
  rates.sort((a, b) => a - b);
  process.stdout.write(`${name.padEnd(36)} ${rates[rates.length >> 1]!.toFixed(0).padStart(6)} MB/s\n`);
}

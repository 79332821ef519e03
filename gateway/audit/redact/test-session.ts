import * as crypto from 'node:crypto';
import type { SessionRecorder, StatementSummary } from '../../pipeline/ports.ts';
import {
  writeCommandComplete,
  writeDataRow,
  writeErrorResponse,
  writeReadyForQuery,
  writeRowDescription,
} from '../../protocols/postgres/codec/write-backend.ts';
import {
  writeBind,
  writeExecute,
  writeParse,
  writeQuery,
  writeSync,
} from '../../protocols/postgres/codec/write-frontend.ts';
import { createRecorder } from '../../recording/recorder.ts';
import { allFolders, sessionId, sessionInfo, statement } from '../../recording/test-support.ts';

/** Sessions with real PostgreSQL messages, recorded as the gateway records them. */

const field = (name: string, format: 'text' | 'binary' = 'text', typeOid = 25) => ({
  name,
  tableOid: 0,
  columnNumber: 0,
  typeOid,
  typeModifier: -1,
  format,
});

export interface Asked {
  text: string;
  columns?: string[];
  rows?: (string | null)[][];
  tag?: string;
  error?: string;
  facts?: Partial<StatementSummary>;
}

export class Script {
  readonly session: SessionRecorder;
  #exchange = 0;

  constructor(session: SessionRecorder) {
    this.session = session;
  }

  /** Bytes of one exchange as they are. @returns its number. */
  raw(up: readonly Uint8Array[], down: readonly Uint8Array[], facts: Partial<StatementSummary> = {}): number {
    const exchange = this.#exchange++;
    for (const bytes of up) this.session.request(exchange, bytes);
    for (const bytes of down) this.session.response(exchange, bytes);
    const fingerprint = crypto.hash('sha256', facts.text ?? '', 'hex').slice(0, 16);
    this.session.statement(exchange, statement({ fingerprint, ...facts }));
    this.session.end(exchange);
    return exchange;
  }

  query({ text, columns, rows = [], tag, error, facts }: Asked): number {
    const down: Uint8Array[] = [];
    if (columns) down.push(writeRowDescription(columns.map((name) => field(name))));
    for (const row of rows) down.push(writeDataRow(row.map((value) => (value === null ? null : Buffer.from(value)))));
    down.push(
      error === undefined
        ? writeCommandComplete(tag ?? `SELECT ${rows.length}`)
        : writeErrorResponse({ severity: 'ERROR', sqlstate: '23505', message: error }),
    );
    down.push(writeReadyForQuery('idle'));
    return this.raw([writeQuery(text)], [Buffer.concat(down)], {
      op: /^\w+/.exec(text)?.[0] ?? '',
      text,
      error: error === undefined ? null : '23505',
      ...facts,
    });
  }

  /** Extended protocol; the result is one binary column. */
  extended(
    text: string,
    parameters: (Uint8Array | null)[],
    column: { name: string; typeOid: number },
    values: Uint8Array[],
  ): number {
    const up = [writeParse('', text, []), writeBind('', '', parameters), writeExecute(''), writeSync()];
    const down = [
      Buffer.from('1\0\0\0\x04', 'latin1'),
      Buffer.from('2\0\0\0\x04', 'latin1'),
      writeRowDescription([field(column.name, 'binary', column.typeOid)]),
      ...values.map((value) => writeDataRow([value])),
      writeCommandComplete(`SELECT ${values.length}`),
      writeReadyForQuery('idle'),
    ];
    return this.raw([Buffer.concat(up)], [Buffer.concat(down)], { op: 'SELECT', text });
  }
}

/** Records one session into `dir`; gives its folder. */
export async function record(dir: string, write: (script: Script) => void): Promise<string> {
  const recorder = createRecorder({ dir });
  const session = recorder.open(sessionInfo(sessionId(1)));
  write(new Script(session));
  await session.close('done');
  await recorder.close();
  const [folder] = await allFolders(dir);
  if (folder === undefined) throw new Error('nothing was recorded');
  return folder;
}

import { readBind } from '../codec/frontend.ts';
import { frontend } from '../codec/messages.ts';
import { writeMessage } from '../codec/write-backend.ts';
import { writeBind, writeClose, writeDescribe, writeExecute, writeParse } from '../codec/write-frontend.ts';

/** A statement with the parameters of the client's Bind, as they came; results are asked for in text. */
export interface Bound {
  sql: string;
  types: readonly number[];
  /** Body of the client's Bind; null: no parameters. */
  bind: Uint8Array | null;
}

/** One statement under a name of the gateway's own, which is gone afterwards. */
export function ownStatement(name: string, sql: string, described = false): Uint8Array[] {
  return run(name, { sql, types: [], bind: null }, described);
}

export function ownBound(name: string, bound: Bound): Uint8Array[] {
  return run(name, bound, true);
}

/** What a failure may have left. */
export function ownClose(name: string): Uint8Array[] {
  return [writeClose('portal', name), writeClose('statement', name)];
}

function run(name: string, { sql, types, bind }: Bound, described: boolean): Uint8Array[] {
  return [
    writeParse(name, sql, types),
    bind === null ? writeBind(name, name, []) : sameValues(bind, name),
    ...(described ? [writeDescribe('portal', name)] : []),
    writeExecute(name),
    ...ownClose(name),
  ];
}

/** The same values for another portal and statement. */
function sameValues(body: Uint8Array, name: string): Uint8Array {
  const { resultFormats } = readBind(body, 0, body.length);
  const from = body.indexOf(0, body.indexOf(0) + 1) + 1;
  const to = body.length - 2 - resultFormats.length * 2;
  const named = new TextEncoder().encode(`${name}\0${name}\0`);
  const changed = new Uint8Array(named.length + to - from + 2);
  changed.set(named);
  changed.set(body.subarray(from, to), named.length);
  return writeMessage(frontend.Bind, changed);
}

import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { CountersignError, isCountersignError } from '../../contract/errors.ts';
import { toBase64, toHex } from '../../recording/format/bytes.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import type { DeviceIdentity, DeviceLog, LogCheckpoint } from '../device/ports.ts';
import { parseCheckpoint, withSignatures } from '../format/checkpoint.ts';
import { cosignedAt, parseSignature } from '../format/signed-note.ts';
import { COSIGNATURE, parseVkey, type Vkey } from '../format/vkey.ts';
import { formatAddCheckpoint } from './request.ts';

export interface WitnessAddress {
  vkey: string;
  /** The submission prefix; `/add-checkpoint` follows. */
  url: string;
  /** PEM of who signed its certificate; null: the system's. */
  ca: string | null;
}

export interface WitnessClientOptions {
  log: Pick<DeviceLog, 'consistency'>;
  identity: Pick<DeviceIdentity, 'identityObjects'>;
  witnesses(): readonly WitnessAddress[];
  /** For a person: one sentence for each witness that did not sign. @param serious it has seen another history. */
  onProblem(sentence: string, serious: boolean): void;
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER = 64 * 1024;

interface Answered {
  status: number;
  text: string;
}

/**
 * Asks each witness to cosign a checkpoint. One that cannot or will not is told of, and holds up nothing.
 *
 * @returns for each one that did, the whole note with its cosignature, and the key hash that its object's name ends with.
 */
export function createWitnessClient(
  options: WitnessClientOptions,
): (checkpoint: LogCheckpoint) => Promise<{ suffix: string; bytes: Uint8Array }[]> {
  /** The size that each witness saw last. */
  const seen = new Map<string, number>();
  return async (checkpoint) => {
    const asked = options.witnesses().map(async (address) => {
      try {
        return [await cosignedBy(options, seen, address, checkpoint)];
      } catch (error) {
        if (!isCountersignError(error) && !(error instanceof FormatError)) throw error;
        const serious = isCountersignError(error, 'WITNESS_AHEAD') || isCountersignError(error, 'WITNESS_CONFLICT');
        options.onProblem(`the witness at ${address.url} did not sign: ${error.message}`, serious);
        return [];
      }
    });
    return (await Promise.all(asked)).flat();
  };
}

async function cosignedBy(
  { log, identity }: WitnessClientOptions,
  seen: Map<string, number>,
  address: WitnessAddress,
  checkpoint: LogCheckpoint,
): Promise<{ suffix: string; bytes: Uint8Array }> {
  const vkey = parseVkey(p.sha256, address.vkey);
  if (vkey.type !== COSIGNATURE) throw new CountersignError('WITNESS_KEY', 'its key is not of type cosignature/v1');
  let introduced = false;
  // The size it saw may have to be learnt, and the device introduced; more rounds than that lead nowhere.
  for (let round = 0; round < 4; round += 1) {
    const old = Math.min(seen.get(address.vkey) ?? 0, checkpoint.size);
    const proof = await log.consistency(old, checkpoint.size);
    const answer = await post(address, '/add-checkpoint', formatAddCheckpoint(old, proof, checkpoint.note));
    if (answer.status === 200) {
      seen.set(address.vkey, checkpoint.size);
      return { suffix: toHex(vkey.hash), bytes: withCosignature(checkpoint, answer.text, vkey) };
    }
    if (answer.status === 409) {
      seen.set(address.vkey, sizeSeen(answer.text, old, checkpoint.size));
    } else if ((answer.status === 404 || answer.status === 403) && !introduced) {
      introduced = true;
      await introduce(address, identity, answer);
    } else throw refusal(answer, old);
  }
  throw new CountersignError('WITNESS_REFUSED', 'it changes what it says it has seen');
}

/** Throws WITNESS_AHEAD and WITNESS_CONFLICT: somebody has shown it another history than this. */
function sizeSeen(text: string, old: number, size: number): number {
  const seen = /^(0|[1-9][0-9]{0,15})\n$/.exec(text)?.[1];
  if (seen === undefined) throw new CountersignError('WITNESS_REFUSED', 'it answered 409 without a size');
  if (Number(seen) > size) {
    throw new CountersignError(
      'WITNESS_AHEAD',
      `it has seen ${seen} entries of this device's log, and here are ${size}: the log was put back to an earlier state, or somebody else uses its key`,
    );
  }
  if (Number(seen) === old) throw contradiction(old);
  return Number(seen);
}

const contradiction = (old: number): CountersignError =>
  new CountersignError(
    'WITNESS_CONFLICT',
    `the ${old} entries that it has seen of this device's log are not those that are here: the log was changed, or somebody else uses its key`,
  );

const refusal = ({ status, text }: Answered, old: number): CountersignError =>
  status === 422
    ? contradiction(old)
    : new CountersignError('WITNESS_REFUSED', `it answered ${status} (${text.trim().slice(0, 200)})`);

async function introduce(
  address: WitnessAddress,
  identity: WitnessClientOptions['identity'],
  before: Answered,
): Promise<void> {
  const objects = await identity.identityObjects();
  if (objects.length === 0) throw refusal(before, 0);
  const answer = await post(
    address,
    '/add-log',
    Buffer.from(JSON.stringify(objects.map(({ bytes }) => toBase64(bytes)))),
  );
  if (answer.status !== 200) throw refusal(answer, 0);
}

/** Throws WITNESS_REFUSED for a signature that is not the witness'. */
function withCosignature(checkpoint: LogCheckpoint, text: string, vkey: Vkey): Uint8Array {
  const signatures = text.replace(/\n$/, '').split('\n').map(parseSignature);
  const bytes = withSignatures(
    parseCheckpoint(checkpoint.note),
    signatures.filter(({ name }) => name === vkey.name),
  );
  if (typeof cosignedAt(p, parseCheckpoint(bytes).note, vkey) === 'number') return bytes;
  throw new CountersignError('WITNESS_REFUSED', 'what it answered is not signed by its key');
}

/** Throws WITNESS_UNREACHABLE. */
function post({ url, ca }: WitnessAddress, path: string, body: Uint8Array): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error & { code?: string }) =>
      reject(
        new CountersignError('WITNESS_UNREACHABLE', `it is not reached (${cause.code ?? cause.message})`, { cause }),
      );
    const target = new URL(url.replace(/\/$/, '') + path);
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const headers = { 'content-length': body.length };
    const request = send(target, { method: 'POST', headers, signal, ...(ca === null ? {} : { ca }) }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > MAX_ANSWER) request.destroy(new Error('its answer is too long'));
        else chunks.push(chunk);
      });
      response.on('error', fail);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    request.on('error', fail);
    request.end(body);
  });
}

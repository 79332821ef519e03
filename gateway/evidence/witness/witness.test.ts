import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FormatError } from '../../recording/format/primitives.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { type FolderLog, openDeviceLog } from '../device/device-log.ts';
import type { LogCheckpoint } from '../device/ports.ts';
import { parseCheckpoint } from '../format/checkpoint.ts';
import { signDocument } from '../format/signed-document.ts';
import { cosignedAt } from '../format/signed-note.ts';
import { testSigner } from '../format/test-keys.ts';
import { COSIGNATURE, formatVkey, type Signer } from '../format/vkey.ts';
import { always, firstNote, month, root, rootVkey, signedNote, vkeyOf } from '../trust/test-trust.ts';
import { type Trust, verifyTrust } from '../trust/verify-trust.ts';
import { createWitnessClient } from './client.ts';
import { formatAddCheckpoint, parseAddCheckpoint } from './request.ts';
import { serveWitness, type WitnessServer } from './server.ts';
import { WitnessState } from './state.ts';
import { Witness } from './witness.ts';

const DEVICE = '01JAAAAAAAAAAAAAAAAAAAAAAA';
const KEY = testSigner(`countersign/device/${DEVICE}`);
const SIGNER = testSigner('witness.example/w1', 'w1', COSIGNATURE);
const NOW = Date.parse('2026-12-15T00:00:00.000Z');

let dir: string;
let log: FolderLog;
let state: WitnessState;
let server: WitnessServer;
let trust: Trust | null;
let problems: string[];
let serious: boolean;
let objects: { name: string; bytes: Uint8Array }[];

const openLog = (name: string, signer: Signer = KEY) =>
  openDeviceLog({
    folder: join(dir, name),
    device: DEVICE,
    signer: async () => signer,
    keys: [signer.vkey],
    begun: false,
    clock: { now: () => NOW },
    gatherMs: 0,
  });

const grow = async (to: FolderLog, count: number) => {
  for (let n = 0; n < count; n += 1) await to.append({ type: 'policy', hash: `${to.size}`, by: 'ada' });
  return to.checkpoint!;
};

const serve = () => {
  const witness = new Witness({ signer: SIGNER, state, clock: { now: () => NOW }, trust: () => trust });
  const unexpected = (error: unknown) => problems.push(String(error));
  return serveWitness({ witness, host: '127.0.0.1', port: 0, tls: null, unexpected });
};

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'witness-'));
  log = await openLog('log');
  state = new WitnessState(join(dir, 'witness.db'), true);
  state.addKey(KEY.vkey.name, formatVkey(KEY.vkey));
  trust = null;
  problems = [];
  serious = false;
  objects = [];
  server = await serve();
});
afterEach(async () => {
  await server.close();
  state.close();
  await log.close();
  rmSync(dir, { recursive: true, force: true });
});

const clientOf = (of: FolderLog, port = server.port) =>
  createWitnessClient({
    log: of,
    identity: { identityObjects: async () => objects },
    witnesses: () => [{ vkey: formatVkey(SIGNER.vkey), url: `http://127.0.0.1:${port}/`, ca: null }],
    onProblem: (sentence, isSerious) => {
      problems.push(sentence);
      serious ||= isSerious;
    },
  });

async function post(body: Uint8Array | string, path = '/add-checkpoint', method = 'POST') {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method,
    ...(method === 'POST' ? { body: Buffer.from(body) } : {}),
  });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

const submit = async (of: FolderLog, old: number, { size, note }: LogCheckpoint = of.checkpoint!) =>
  post(formatAddCheckpoint(old, old <= size ? await of.consistency(old, size) : [], note));

describe('a witness', () => {
  it('cosigns a log as it grows, and says when', async () => {
    const client = clientOf(log);
    for (const count of [1, 1, 5, 300]) {
      const checkpoint = await grow(log, count);
      const [answer] = await client(checkpoint);
      expect(problems).toEqual([]);
      expect(answer?.suffix).toBe(Buffer.from(SIGNER.vkey.hash).toString('hex'));
      const { note, size } = parseCheckpoint(answer!.bytes);
      expect([size, note.signatures.length]).toEqual([checkpoint.size, 2]);
      expect(cosignedAt(p, note, SIGNER.vkey)).toBe(NOW / 1000);
    }
    // A client that forgot what it was told asks once more, for the same checkpoint too.
    expect(await clientOf(log)(log.checkpoint!)).toHaveLength(1);
  });

  it('answers as C2SP tlog-witness says', async () => {
    await grow(log, 3);
    const [one, three] = [await grow(await openLog('other'), 1), log.checkpoint!];
    expect(await submit(log, 0)).toMatchObject({
      status: 200,
      text: expect.stringMatching(/^— witness\.example\/w1 \S+\n$/),
    });
    expect(await submit(log, 0)).toEqual({ status: 409, type: 'text/x.tlog.size', text: '3\n' });
    expect(await submit(log, 4)).toMatchObject({ status: 400 });
    const longer = await grow(log, 2);
    const proof = await log.consistency(3, 5);
    expect(await post(formatAddCheckpoint(3, proof.slice(1), longer.note))).toMatchObject({ status: 422 });
    expect(await post(formatAddCheckpoint(3, [...proof, proof[0]!], longer.note))).toMatchObject({ status: 422 });
    expect(await submit(log, 3)).toMatchObject({ status: 200 });
    const ofStranger = Buffer.from(three.note).toString().replaceAll(DEVICE, '01JBBBBBBBBBBBBBBBBBBBBBBB');
    expect(await post(formatAddCheckpoint(0, [], Buffer.from(ofStranger)))).toMatchObject({ status: 404 });
    const forged = Buffer.from(one.note).toString().replace('\n1\n', '\n2\n');
    expect(await post(formatAddCheckpoint(5, [], Buffer.from(forged)))).toMatchObject({ status: 403 });
    for (const body of ['', 'old 1', 'old 01\n\n', 'old 1\nxxxx\n\nx', `old 0\n\n${'x'.repeat(100)}`]) {
      expect(await post(body)).toMatchObject({ status: 400 });
    }
    expect(await post('x'.repeat(70_000))).toMatchObject({ status: 413 });
    expect(await post('x', '/elsewhere')).toMatchObject({ status: 404 });
    expect(await post('', '/add-checkpoint', 'GET')).toMatchObject({ status: 405 });
    expect(problems).toEqual([]);
  });

  it('takes a request apart as it was put together, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 63 }),
        (old, proof) => {
          const note = Buffer.from(`o\n1\n${'A'.repeat(43)}=\n\n— o AAAAAAA=\n`);
          const parsed = parseAddCheckpoint(formatAddCheckpoint(old, proof, note));
          expect([parsed.old, parsed.proof.map(String)]).toEqual([old, proof.map(String)]);
        },
      ),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => parseAddCheckpoint(bytes)).toThrow(FormatError);
      }),
    );
  });

  it('sees a log that was put back to an earlier copy of its folder', async () => {
    await grow(log, 3);
    cpSync(join(dir, 'log'), join(dir, 'copy'), { recursive: true });
    await grow(log, 4);
    await clientOf(log)(log.checkpoint!);
    const back = await openLog('copy');
    expect(back.problem).toBeNull();
    expect(await clientOf(back)(back.checkpoint!)).toEqual([]);
    expect(problems.splice(0)).toEqual([
      expect.stringMatching(/has seen 7 entries .* here are 3: the log was put back/),
    ]);
    expect(serious).toBe(true);
    // Grown past what the witness saw, it is still another history.
    await back.append({ type: 'stopped', reason: 'another' });
    await grow(back, 5);
    expect(await clientOf(back)(back.checkpoint!)).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(/the 7 entries .* are not those that are here/)]);
    expect(state.head(KEY.vkey.name)?.size).toBe(7);
    await back.close();
  });

  it('signs one history of a size, whoever asks first', async () => {
    await grow(log, 3);
    const other = await openLog('other');
    await other.append({ type: 'stopped', reason: 'another' });
    await grow(other, 2);
    const answers = await Promise.all([submit(log, 0), submit(other, 0)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const [loser] = answers[0]!.status === 200 ? [other] : [log];
    expect(await clientOf(loser!)(loser!.checkpoint!)).toEqual([]);
    expect(problems).toEqual([expect.stringContaining('are not those that are here')]);
    await other.close();
  });

  it('killed between persisting and answering, has not signed for two histories', async () => {
    await grow(log, 3);
    await server.close();
    state.close();
    const crash = spawn(
      process.execPath,
      [join(import.meta.dirname, 'test-crash-worker.ts'), join(dir, 'witness.db')],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const [line] = (await once(crash.stdout!, 'data')) as [Buffer];
    expect(await clientOf(log, Number(line.toString()))(log.checkpoint!)).toEqual([]);
    if (crash.signalCode === null) await once(crash, 'exit');
    expect(crash.signalCode).toBe('SIGKILL');
    expect(problems.splice(0)).toEqual([expect.stringContaining('is not reached')]);
    expect(serious).toBe(false);
    state = new WitnessState(join(dir, 'witness.db'), false);
    expect(state.head(KEY.vkey.name)?.size).toBe(3);
    server = await serve();
    const other = await openLog('other');
    await other.append({ type: 'stopped', reason: 'another' });
    await grow(other, 2);
    expect(await clientOf(other)(other.checkpoint!)).toEqual([]);
    expect(await clientOf(log)(log.checkpoint!)).toHaveLength(1);
    await other.close();
  });

  it('does not go on without its memory', () => {
    expect(() => new WitnessState(join(dir, 'lost.db'), false)).toThrow(/lost its memory must not go on/);
  });

  it('waits for nobody who sends half a request', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('POST /add-checkpoint HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\nold');
    await grow(log, 1);
    expect(await clientOf(log)(log.checkpoint!)).toHaveLength(1);
    socket.destroy();
    expect(problems).toEqual([]);
  });
});

describe('a device that nobody named to the witness', () => {
  const authority = testSigner('countersign/authority/helpdesk');
  const stranger = testSigner(`countersign/device/${DEVICE}`, 'stranger');
  const enrolment = (key: Signer, signer: Signer = authority) =>
    signDocument(
      'enrolment',
      {
        v: 1,
        org: 'acme',
        device: DEVICE,
        vkey: formatVkey(key.vkey),
        name: 'laptop',
        account: 'ada',
        protection: 'protected',
        from: month(1),
        until: '2028-01-01T00:00:00.000Z',
        by: 'helpdesk',
      },
      [signer],
    );
  const trusted = (changes = {}) =>
    verifyTrust(
      p,
      rootVkey,
      [signedNote(firstNote({ authorities: [{ ...always(), vkey: vkeyOf(authority) }], ...changes }), root)],
      new Date(NOW).toISOString(),
    );
  let own: FolderLog;
  beforeEach(async () => {
    trust = trusted();
    own = await openLog('own', stranger);
    await grow(own, 2);
  });
  afterEach(() => own.close());

  it('introduces itself by its enrolment, once', async () => {
    objects = [{ name: 'x.note', bytes: enrolment(stranger) }];
    expect(await clientOf(own)(own.checkpoint!)).toHaveLength(1);
    expect(problems).toEqual([]);
    objects = [];
    await grow(own, 1);
    expect(await clientOf(own)(own.checkpoint!)).toHaveLength(1);
  });

  it('is refused without one that counts', async () => {
    const refused: [Uint8Array[], string][] = [
      [[], '403'],
      [[enrolment(stranger, testSigner('countersign/authority/helpdesk', 'mallory'))], 'signed by no authority'],
      [[enrolment(KEY)], '403'],
      [[Buffer.from('nothing')], '400'],
    ];
    for (const [documents, why] of refused) {
      objects = documents.map((bytes) => ({ name: 'x.note', bytes }));
      expect(await clientOf(own)(own.checkpoint!)).toEqual([]);
      expect(problems.splice(0)).toEqual([expect.stringContaining(why)]);
    }
  });

  it('is signed for no longer once its key is revoked', async () => {
    objects = [{ name: 'x.note', bytes: enrolment(stranger) }];
    expect(await clientOf(own)(own.checkpoint!)).toHaveLength(1);
    const revoked = { at: month(6), reason: 'stolen' };
    trust = trusted({ devices: [{ device: DEVICE, vkey: formatVkey(stranger.vkey), revoked }] });
    await grow(own, 1);
    expect(await clientOf(own)(own.checkpoint!)).toEqual([]);
    expect(problems).toEqual([expect.stringContaining('403')]);
  });
});

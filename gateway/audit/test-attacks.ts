import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { testSigner } from '../evidence/format/test-keys.ts';
import { formatVkey } from '../evidence/format/vkey.ts';
import { toBase64 } from '../recording/format/bytes.ts';
import { openLines, sealLines } from '../recording/format/segments.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { findSession } from '../recording/reader.ts';
import { createRecorder } from '../recording/recorder.ts';
import { recoverRecordings } from '../recording/recovery.ts';
import { closedFact, lastHead } from '../recording/session-facts.ts';
import { sessionInfo, statement } from '../recording/test-support.ts';
import {
  authority,
  BEGIN,
  headOver,
  type Objects,
  root,
  type TestDevice,
  TestOrganisation,
  witness,
} from './test-organisation.ts';

const DAY = 86_400_000;
/** When the auditor imports. */
export const LATER = BEGIN + 30 * DAY;
export const DEVICE = '01JTESTDEVCE00000000000001';
const S1 = '01JTESTSESSQN0000000000001';
const S2 = '01JTESTSESSQN0000000000002';
const ALWAYS = { from: '2026-01-01T00:00:00.000Z', until: '2036-01-01T00:00:00.000Z', revoked: null };

export interface Attack {
  name: string;
  /** What an auditor has to be told: a part of a sentence. */
  says: string;
  /** What the store holds at each import, the last one being looked at. */
  steps: Objects[];
}

interface Stage {
  organisation: TestOrganisation;
  device: TestDevice;
  folder: string;
  remove(): void;
}

/** Two sessions, a witness, a stopped gateway. */
async function stage(
  before: (device: TestDevice, organisation: TestOrganisation) => Promise<void> = async () => {},
): Promise<Stage> {
  const organisation = new TestOrganisation();
  organisation.trust();
  organisation.trust({ witnesses: [{ ...ALWAYS, vkey: formatVkey(witness.vkey) }], quorum: 1 });
  const device = organisation.device(DEVICE);
  device.publish();
  const folder = await device.session(S1);
  device.publish();
  device.cosigned(device.now);
  await before(device, organisation);
  await device.session(S2);
  device.stop();
  device.publish();
  device.cosigned(device.now);
  return { organisation, device, folder, remove: () => device.remove() };
}

const without = (objects: Objects, gone: (name: string) => boolean): Objects =>
  new Map([...objects].filter(([name]) => !gone(name)));
const changed = (objects: Objects, wanted: (name: string) => boolean, change: (bytes: Buffer) => Uint8Array): Objects =>
  new Map([...objects].map(([name, bytes]) => [name, wanted(name) ? change(Buffer.from(bytes)) : bytes]));

/** Parts made anew from a folder that was tampered with: every sum that needs no key is made to fit. */
function withParts(device: TestDevice, objects: Objects, folder: string): Objects {
  const out = without(objects, (name) => name.includes(`/${basename(folder)}/`));
  device.parts(basename(folder), folder, out);
  return out;
}

function rewriteEvents(folder: string, change: (lines: string[]) => string[]): void {
  const path = join(folder, 'seg-000000.jsonl.zst');
  const bytes = fs.readFileSync(path);
  const frames: Uint8Array[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const { header, lines, end } = openLines(p, bytes, offset);
    const text = change(lines.map((line) => Buffer.from(line).toString()));
    frames.push(
      sealLines(
        p,
        Buffer.from(text.map((line) => `${line}\n`).join('')),
        text.length,
        header.firstSeq,
        header.firstUnit,
      ),
    );
    offset = end;
  }
  fs.writeFileSync(path, Buffer.concat(frames));
  const plain = Buffer.concat(frames.map((frame) => zstdDecompressSync(frame.subarray(44))));
  const sums = join(folder, 'SHA256SUMS');
  const hash = crypto.hash('sha256', plain, 'hex');
  fs.writeFileSync(sums, fs.readFileSync(sums, 'utf8').replace(/^[0-9a-f]{64} {2}seg-000000/m, `${hash}  seg-000000`));
}

/** A session's folder as somebody else would like it. */
function tampered(of: Stage, change: (folder: string) => void): Objects {
  const spare = `${of.folder}-spare`;
  fs.cpSync(of.folder, spare, { recursive: true });
  try {
    change(of.folder);
    return withParts(of.device, of.organisation.objects, of.folder);
  } finally {
    fs.rmSync(of.folder, { recursive: true });
    fs.renameSync(spare, of.folder);
  }
}

/** The log of a device of the same key and another past. */
async function otherHistory(of: Stage): Promise<Objects> {
  const organisation = new TestOrganisation();
  const other = organisation.device(DEVICE);
  other.add({ type: 'config', hash: 'ef'.repeat(32), by: 'somebody' });
  await other.session(S2);
  other.stop();
  other.publish();
  other.remove();
  const rest = without(of.organisation.objects, (name) => name.includes('/log/') || name.includes('/sessions/'));
  return new Map([...rest, ...without(organisation.objects, (name) => name.includes('/identity/'))]);
}

/** Killed, trimmed to an earlier state, recovered: closed again under a key of its own. */
async function trimmedAfterKill(device: TestDevice): Promise<void> {
  const sid = '01JTESTSESSQN0000000000009';
  const live = join(device.recordings, 'live');
  const recorder = createRecorder({ dir: live });
  const session = recorder.open(sessionInfo(sid));
  const run = (from: number, until: number) => {
    for (let i = from; i < until; i += 1) {
      session.request(i, Buffer.from(`select ${i}`));
      session.response(i, Buffer.from(`row ${i}`));
      session.statement(i, statement({ own: true, text: `select ${i}` }));
      session.end(i);
    }
    return headOver(live, sid, until + 1);
  };
  const folder = await run(0, 3);
  const day = folder.slice(live.length);
  fs.cpSync(folder, join(device.recordings, day), { recursive: true });
  await run(3, 6);
  const head = lastHead(folder)!;
  const opened = JSON.parse(fs.readFileSync(join(folder, 'open.json'), 'utf8')) as { key: string };
  const open = crypto.hash('sha256', fs.readFileSync(join(folder, 'open.json')).subarray(0, -1), 'base64');
  device.add({ type: 'session-opened', sid, key: opened.key, open, connection: 'demo', identity: 'ada', sync: 'all' });
  device.beat([[sid, head.size, toBase64(head.root)]]);
  await session.close('the client left');
  await recorder.close();
  fs.rmSync(live, { recursive: true });
  await recoverRecordings(device.recordings);
  const again = (await findSession(device.recordings, sid))!;
  const { type: _, ...closed } = closedFact(again);
  device.add({ type: 'session-closed', ...closed });
  device.parts(sid, again);
}

const part = (sid: string, n: number) => (name: string) => name.includes(`/${sid}/part-${String(n).padStart(6, '0')}`);

/** Every attack of the table, on a store made for it. */
export async function attacks(): Promise<{ valid: Objects; attacks: Attack[] }> {
  const all: Attack[] = [];
  const one = (name: string, says: string, ...steps: Objects[]) => all.push({ name, says, steps });
  const base = await stage();
  const valid = new Map(base.organisation.objects);
  const lines = (change: (all: string[]) => string[]) => tampered(base, (folder) => rewriteEvents(folder, change));

  one(
    'an event is edited',
    'does not match them',
    lines((text) => text.map((line) => line.replace('"DELETE"', '"SELECT"'))),
  );
  one(
    'events are reordered',
    'is missing: the next one says it is',
    lines((text) => (text.length > 2 ? [text[0]!, ...text.slice(1).reverse()] : text)),
  );
  one('the tail is cut off', 'The recording was trimmed, or parts of it are missing', without(valid, part(S1, 1)));
  one('the beginning is cut off', 'part 0 is missing', without(valid, part(S1, 0)));
  one(
    'a whole session is deleted',
    `Session 1 of the device (${S1}`,
    without(valid, (name) => name.includes(`/${S1}/`)),
  );
  const early = without(valid, (name) => /\/log\/(checkpoint\.(?!2$)|tile\/.*\.p\/(?!2$))|\/sessions\//.test(name));
  one("the device's whole history is rolled back", 'the store has rolled back or lost', valid, early);
  one(
    'a history is rolled back under a witness',
    'the log was rolled back, or entries are missing',
    new Map([...early, ...[...valid].filter(([name]) => /checkpoint\.\d+\.[0-9a-f]{8}$/.test(name))]),
  );
  one('two auditors are shown two histories', 'the device signed two histories', valid, await otherHistory(base));
  one(
    'a part is replaced by another version',
    'was replaced: It is another part 1',
    valid,
    new Map([...valid, ...rewritten(base, valid)]),
  );
  one(
    'a part is damaged',
    'is not whole',
    changed(valid, part(S1, 0), (bytes) => bytes.fill(0xff, 3000, 3010)),
  );
  one(
    'an entry of the log is replaced',
    'is not the one whose hash is in the log',
    changed(
      valid,
      (name) => name.includes('/tile/entries/'),
      (bytes) => Buffer.from(bytes.toString('latin1').replaceAll('"sync":"all"', '"sync":"al1"'), 'latin1'),
    ),
  );
  one(
    'the newest head of the log and what it covers are held back',
    "The device's log names no such session",
    without(
      valid,
      (name) =>
        /checkpoint\.9|\.p\/9$/.test(name) ||
        (name.includes('checkpoint.') && !/checkpoint\.[25](\.|$)/.test(name)) ||
        /\.p\/(?![25]$)/.test(name),
    ),
  );
  one(
    'the session is made anew under another key, sums and all',
    "The session's key is not the one that the device's log names",
    await madeAnew(base),
  );
  one(
    'the key beside the recording is swapped',
    'session-key.pem is not the key that the events name',
    tampered(base, (folder) => fs.writeFileSync(join(folder, 'session-key.pem'), swappedPem())),
  );
  one(
    'a trust note is missing',
    'trust note 1 is missing',
    without(valid, (name) => name.endsWith('000001.note')),
  );
  one('a trust note is forged', 'is not signed by', new Map([...valid, ...forgedNote()]));
  one(
    'the enrolment is missing',
    'nobody that the trust note names enrolled the key',
    without(valid, (name) => name.includes('/identity/')),
  );

  const silent = await stage(async (device) => device.beat([], 5 * 60));
  one('the recorder is silent', 'the recorder was silent for 300 minutes', silent.organisation.objects);
  const trimmed = await stage(trimmedAfterKill);
  one(
    'a session is trimmed after a kill and recovered',
    'The recording was trimmed, or parts of it are missing: the head in the heartbeat',
    trimmed.organisation.objects,
  );
  const stolen = await stage(async (device, organisation) => {
    const revoked = { at: new Date(device.now + 1000).toISOString(), reason: 'stolen' };
    organisation.trust({ devices: [{ device: DEVICE, vkey: formatVkey(device.signer.vkey), revoked }] });
  });
  const late = without(
    stolen.organisation.objects,
    (name) => /checkpoint\.\d+\./.test(name) && !/checkpoint\.5\./.test(name),
  );
  one('a stolen key goes on after it was revoked, with times before', 'it was revoked on', late);
  const fired = await stage(async (device, organisation) => {
    const revoked = { at: new Date(BEGIN - DAY).toISOString(), reason: 'it was copied' };
    organisation.trust({ authorities: [{ ...ALWAYS, revoked, vkey: formatVkey(authority.vkey) }] });
    device.enrol(authority);
  });
  one('a revoked authority enrolled the device', 'it was revoked on', fired.organisation.objects);
  for (const { remove } of [base, silent, trimmed, stolen, fired]) remove();
  return { valid, attacks: all };
}

/** Part 1 as it would be of other files, under the name of a second attempt. */
function rewritten(of: Stage, valid: Objects): [string, Uint8Array][] {
  const other = tampered(of, (folder) => fs.writeFileSync(join(folder, 'SHA256SUMS.sig'), Buffer.alloc(64, 1)));
  return [...other]
    .filter(([name, bytes]) => part(S1, 1)(name) && !Buffer.from(bytes).equals(valid.get(name) ?? Buffer.alloc(0)))
    .map(([name, bytes]) => [name.replace('.tar', '.r1.tar'), bytes]);
}

async function madeAnew(of: Stage): Promise<Objects> {
  const organisation = new TestOrganisation();
  const other = organisation.device(DEVICE);
  other.parts(S1, await other.record(S1));
  other.remove();
  const own = [...organisation.objects].filter(([name]) => name.includes('/sessions/'));
  return new Map([...without(of.organisation.objects, (name) => name.includes(`/${S1}/`)), ...own]);
}

const swappedPem = (): string =>
  crypto
    .createPublicKey(crypto.generateKeyPairSync('ed25519').privateKey)
    .export({ format: 'pem', type: 'spki' })
    .toString();

function forgedNote(): [string, Uint8Array][] {
  const impostor = testSigner(root.vkey.name, 'impostor');
  const organisation = new TestOrganisation();
  organisation.trust();
  organisation.trust({}, impostor);
  organisation.trust(
    { authorities: [{ ...ALWAYS, vkey: formatVkey(testSigner('countersign/authority/mallory').vkey) }] },
    impostor,
  );
  return [...organisation.objects].filter(([name]) => name.endsWith('000003.note'));
}

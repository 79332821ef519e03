import * as fs from 'node:fs';
import { join } from 'node:path';
import { deviceOrigin, parseCheckpoint, signCheckpoint, withSignatures } from '../evidence/format/checkpoint.ts';
import type { Enrolment, TrustNote } from '../evidence/format/documents.ts';
import type { NewLogEntry } from '../evidence/format/log-entries.ts';
import { signDocument } from '../evidence/format/signed-document.ts';
import { cosign } from '../evidence/format/signed-note.ts';
import { testSigner } from '../evidence/format/test-keys.ts';
import { entryBundle, tileName, tilesBetween } from '../evidence/format/tiles.ts';
import { COSIGNATURE, formatVkey, type Signer } from '../evidence/format/vkey.ts';
import { toBase64, toHex } from '../recording/format/bytes.ts';
import { leafHash, rootOf } from '../recording/format/merkle.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { findSession } from '../recording/reader.ts';
import { createRecorder } from '../recording/recorder.ts';
import { closedFact, lastHead, openedFact } from '../recording/session-facts.ts';
import { decision, sessionInfo, statement, temporaryFolder } from '../recording/test-support.ts';
import { nextCut, readRange, START } from '../sync/cut.ts';
import { partHash, partName, writePart } from '../sync/part.ts';
import type { StoreTarget } from '../sync/ports.ts';

/** A store's objects by name. */
export type Objects = Map<string, Uint8Array>;

export const ORG = 'acme';
export const root = testSigner(`countersign/org/${ORG}`);
export const authority = testSigner('countersign/authority/berlin');
export const witness = testSigner('witness.example', 'witness', COSIGNATURE);

const ALWAYS = { from: '2026-01-01T00:00:00.000Z', until: '2036-01-01T00:00:00.000Z', revoked: null };
/** Where the tests' time begins; each step is a minute unless it is said. */
export const BEGIN = Date.parse('2026-03-04T05:00:00.000Z');

/** The organisation's root and what it signs: notes go into `objects` as a store has them. */
export class TestOrganisation {
  readonly objects: Objects = new Map();
  private note: TrustNote | null = null;
  private last: Uint8Array | null = null;

  trust(changes: Partial<TrustNote> = {}, signer: Signer = root): TrustNote {
    const { note, last } = this;
    const next: TrustNote = {
      ...(note ?? {
        v: 1,
        org: ORG,
        n: 0,
        prev: '',
        issuedAt: ALWAYS.from,
        validUntil: '2036-01-01T00:00:00.000Z',
        root: formatVkey(root.vkey),
        authorities: [{ ...ALWAYS, vkey: formatVkey(authority.vkey) }],
        witnesses: [],
        quorum: 0,
        tsas: [],
        auditors: [],
        issuers: [],
        passkeys: [],
        devices: [],
        policies: [],
        sync: { prompts: 'sync', thoughts: 'sync', files: 'sync' },
      }),
      ...changes,
    };
    next.n = (note?.n ?? 0) + 1;
    next.prev = last === null ? '' : toBase64(p.sha256(last));
    const bytes = signDocument('trust', next, [signer]);
    this.objects.set(`${ORG}/trust/${String(next.n).padStart(6, '0')}.note`, bytes);
    this.note = next;
    this.last = bytes;
    return next;
  }

  device(id: string, signer: Signer = authority): TestDevice {
    return new TestDevice(this.objects, id, signer);
  }
}

/** A device with its log and its recordings. */
export class TestDevice {
  readonly id: string;
  readonly signer: Signer;
  readonly prefix: string;
  readonly recordings = temporaryFolder('organisation');
  entries: Uint8Array[] = [];
  now = BEGIN;
  private published = 0;
  private readonly objects: Objects;

  constructor(objects: Objects, id: string, enroller: Signer) {
    this.objects = objects;
    this.id = id;
    this.signer = testSigner(deviceOrigin(id));
    this.prefix = `${ORG}/${id}`;
    this.enrol(enroller);
    const vkey = formatVkey(this.signer.vkey);
    this.add({
      type: 'device',
      device: id,
      org: ORG,
      vkey,
      name: 'laptop',
      account: 'ada',
      protection: 'unprotected',
      version: '0.1.0',
    });
    this.add({
      type: 'started',
      version: '0.1.0',
      boot: '',
      policy: 'ab'.repeat(32),
      config: 'cd'.repeat(32),
      protection: 'unprotected',
    });
  }

  enrol(enroller: Signer): void {
    const enrolment: Enrolment = {
      v: 1,
      org: ORG,
      device: this.id,
      vkey: formatVkey(this.signer.vkey),
      name: 'laptop',
      account: 'ada',
      protection: 'unprotected',
      from: ALWAYS.from,
      until: ALWAYS.until,
      by: 'berlin',
    };
    this.objects.set(
      `${this.prefix}/identity/${toHex(this.signer.vkey.hash)}.note`,
      signDocument('enrolment', enrolment, [enroller]),
    );
  }

  add(entry: NewLogEntry, minutes = 1): void {
    this.now += minutes * 60_000;
    const whole = { v: 1, n: this.entries.length, t: new Date(this.now).toISOString(), ...entry };
    this.entries.push(Buffer.from(JSON.stringify(whole)));
  }

  /** Tiles and a signed head over all entries. */
  publish(signer: Signer = this.signer): Uint8Array {
    for (const tile of tilesBetween(this.published, this.entries.length)) {
      this.objects.set(`${this.prefix}/log/${tileName(tile)}`, this.tile(tile.level, tile.index, tile.width));
    }
    this.published = this.entries.length;
    const note = signCheckpoint(
      { origin: deviceOrigin(this.id), size: this.entries.length, root: this.root() },
      signer,
    );
    this.objects.set(`${this.prefix}/log/checkpoint.${this.entries.length}`, note);
    return note;
  }

  /** A witness' cosignature on the newest head. */
  cosigned(at: number, signer: Signer = witness): void {
    const size = this.entries.length;
    const checkpoint = parseCheckpoint(this.objects.get(`${this.prefix}/log/checkpoint.${size}`)!);
    const signature = cosign(checkpoint.note.text, signer, Math.floor(at / 1000));
    this.objects.set(
      `${this.prefix}/log/checkpoint.${size}.${toHex(signer.vkey.hash)}`,
      withSignatures(checkpoint, [signature]),
    );
  }

  private tile(level: number | 'entries', index: number, width: number): Uint8Array {
    const span = level === 'entries' ? 1 : 256 ** level;
    const first = index * 256 * span;
    if (level === 'entries') return entryBundle(this.entries.slice(first, first + width));
    const nodes = Array.from({ length: width }, (_, i) =>
      rootOf(
        p.sha256,
        this.entries.slice(first + i * span, first + (i + 1) * span).map((entry) => leafHash(p.sha256, entry)),
      ),
    );
    return Buffer.concat(nodes);
  }

  private root(): Uint8Array {
    return rootOf(
      p.sha256,
      this.entries.map((entry) => leafHash(p.sha256, entry)),
    );
  }

  /** Records a session with an approved statement, logs it, and makes its parts. */
  async session(sid: string): Promise<string> {
    const folder = await this.record(sid);
    this.log(folder);
    this.parts(sid, folder);
    return folder;
  }

  /** What the log says of a session that was closed. */
  log(folder: string): void {
    const { type: _opened, ...opened } = openedFact(folder);
    const { type: _closed, ...closed } = closedFact(folder);
    this.add({ type: 'session-opened', ...opened, sync: 'all' });
    this.beat();
    this.add({ type: 'session-closed', ...closed });
  }

  beat(open: [string, number, string][] = [], minutes = 1): void {
    this.add({ type: 'heartbeat', open, queued: { objects: 0, bytes: 0 }, trust: 1 }, minutes);
  }

  async record(sid: string): Promise<string> {
    const recorder = createRecorder({ dir: this.recordings });
    const session = recorder.open(sessionInfo(sid));
    for (let i = 0; i < 3; i += 1) {
      session.request(i, Buffer.from(`select ${i} from salaries`));
      session.response(i, Buffer.from(`row ${i}`));
      session.statement(i, statement({ text: i === 0 ? 'select 0 from salaries' : null }));
      session.end(i);
    }
    await headOver(this.recordings, sid, 2);
    const digest = 'd1'.repeat(32);
    const asked = decision({ approvalId: 'A1', decidedBy: 'ada', channel: 'console' });
    asked.verdict = { ...asked.verdict, effect: 'ask', level: 'pin' };
    session.event('asked', {
      exchange: 3,
      approvalId: 'A1',
      digest,
      policyIds: ['x'],
      policyHash: 'ab'.repeat(32),
      level: 'pin',
    });
    session.event('decided', {
      approvalId: 'A1',
      digest,
      effect: 'allow',
      decidedBy: 'ada',
      channel: 'console',
      grantId: null,
      heldMs: 5,
    });
    session.request(3, Buffer.from('delete from salaries'));
    session.statement(
      3,
      statement({ own: true, text: 'delete from salaries', class: 'write', op: 'DELETE', decision: asked, digest }),
    );
    session.response(3, Buffer.from('DELETE 3'));
    session.end(3);
    await session.close('the client left');
    await recorder.close();
    return (await findSession(this.recordings, sid))!;
  }

  /** As the outbox makes them: cut at signed heads. */
  parts(sid: string, folder: string, into: Objects = this.objects, maxBytes = 2500): void {
    const day = folder.slice(this.recordings.length + 1).replaceAll('\\', '/');
    let cursor = START;
    let prev = '';
    for (let n = 0; ; n += 1) {
      const cut = nextCut(folder, cursor, maxBytes);
      if (cut === null) break;
      const ranges = cut.ranges.map((range) => ({
        name: range.name,
        offset: range.offset,
        bytes: readRange(folder, range),
      }));
      const part = writePart({ sid, n, prev, last: cut.last, ranges });
      into.set(`${this.prefix}/${day}/${partName(n, false)}`, part);
      prev = partHash(part);
      cursor = cut.cursor;
      if (cut.last) break;
    }
  }

  stop(): void {
    this.add({ type: 'stopped', reason: 'asked to' });
  }

  remove(): void {
    fs.rmSync(this.recordings, { recursive: true, force: true });
  }
}

/** Waits until a signed head of at least so many events is on disk; gives the session's folder. */
export async function headOver(recordings: string, sid: string, events: number): Promise<string> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    const folder = await findSession(recordings, sid);
    if (folder !== null && (lastHead(folder)?.size ?? 0) >= events) return folder;
  }
}

/** A store in memory: what is put into `objects` is there at once. */
export function memoryStore(objects: Objects, description = 'the store of the test'): StoreTarget {
  const none = async () => {
    throw new Error('the store of a test is only read');
  };
  return {
    description,
    capabilities: null,
    probe: none,
    setUp: none,
    create: none,
    remove: none,
    async read(name) {
      const bytes = objects.get(name);
      if (bytes === undefined) return null;
      return (async function* () {
        yield bytes;
      })();
    },
    async *list(prefix) {
      for (const name of [...objects.keys()].sort()) {
        if (name.startsWith(prefix)) yield { name, size: objects.get(name)!.length, version: null };
      }
    },
    async close() {},
  };
}

/** The store as files, for the folder target. */
export function writeStore(objects: Objects, folder: string): void {
  for (const [name, bytes] of [
    ...objects,
    ['countersign-store.json', Buffer.from('{"v":1,"store":"countersign"}\n')] as const,
  ]) {
    const path = join(folder, name);
    fs.mkdirSync(join(path, '..'), { recursive: true });
    fs.writeFileSync(path, bytes);
  }
}

import type { Clock } from '../../pipeline/ports.ts';
import { equal, fromBase64 } from '../../recording/format/bytes.ts';
import { verifyConsistency } from '../../recording/format/consistency.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { deviceOrigin, isCheckpointOf, type SignedCheckpoint } from '../format/checkpoint.ts';
import { type DocumentKind, parseDocument } from '../format/signed-document.ts';
import { cosign, formatNote, formatSignature } from '../format/signed-note.ts';
import { parseVkey, type Signer } from '../format/vkey.ts';
import { DeviceKeys } from '../trust/device-keys.ts';
import type { Trust } from '../trust/verify-trust.ts';
import { parseAddCheckpoint } from './request.ts';
import type { WitnessState } from './state.ts';

export interface WitnessOptions {
  /** Of type cosignature/v1. */
  signer: Signer;
  state: WitnessState;
  clock: Clock;
  /** The organisation whose devices are witnessed without being named one by one; null: only named keys. */
  trust(): Trust | null;
}

/** An answer of C2SP tlog-witness. */
export interface Answer {
  status: 200 | 400 | 403 | 404 | 409 | 422 | 429;
  type: 'text/plain; charset=utf-8' | 'text/x.tlog.size';
  body: string;
}

const say = (status: Answer['status'], body: string): Answer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
});

const MAX_SENT_DOCUMENTS = 50;
const KINDS = ['enrolment', 'binding', 'key-change'] as const satisfies DocumentKind[];
type Kind = (typeof KINDS)[number];

/** Remembers the newest head of each log, and signs for a later one only where that continues it. */
export class Witness {
  private readonly options: WitnessOptions;

  constructor(options: WitnessOptions) {
    this.options = options;
  }

  /** `add-checkpoint` of C2SP tlog-witness. */
  async addCheckpoint(body: Uint8Array): Promise<Answer> {
    try {
      const { old, proof, checkpoint } = parseAddCheckpoint(body);
      return await this.judge(old, proof, checkpoint);
    } catch (error) {
      if (error instanceof FormatError) return say(400, error.message);
      throw error;
    }
  }

  /** @param proof what shows that `checkpoint` continues the log of size `old`. */
  async judge(old: number, proof: readonly Uint8Array[], checkpoint: SignedCheckpoint): Promise<Answer> {
    const { origin } = checkpoint;
    const known = await this.isKnown(checkpoint);
    if (known === 'no log') return say(404, `the log ${origin} is not known here`);
    if (known === 'not signed') return say(403, `no key known here for ${origin} signed this checkpoint`);
    if (old > checkpoint.size) return say(400, 'the old size is larger than the checkpoint’s');
    const { state } = this.options;
    const seen = state.head(origin) ?? { size: 0, root: p.sha256(new Uint8Array(0)) };
    if (old !== seen.size) return conflict(seen.size);
    if (checkpoint.size === seen.size && !equal(checkpoint.root, seen.root)) return conflict(seen.size);
    if (!verifyConsistency(p.sha256, seen, checkpoint, proof)) {
      return say(422, `the proof does not show that this continues the ${seen.size} entries seen before`);
    }
    const at = new Date(this.options.clock.now()).toISOString();
    const { size, root, note } = checkpoint;
    if (!state.advance(origin, old, { size, root, note: formatNote(note), at })) {
      return conflict(state.head(origin)?.size ?? 0);
    }
    const seconds = Math.floor(this.options.clock.now() / 1000);
    return say(200, formatSignature(cosign(note.text, this.options.signer, seconds)));
  }

  private async isKnown(checkpoint: SignedCheckpoint): Promise<'yes' | 'no log' | 'not signed'> {
    const { state } = this.options;
    const named = state.keys(checkpoint.origin);
    const enrolled = await this.enrolledKeys(checkpoint.origin);
    if (named.length === 0 && enrolled === null) return 'no log';
    for (const text of [...named, ...(enrolled?.known() ?? [])]) {
      const vkey = parseVkey(p.sha256, text);
      if (!isCheckpointOf(p, checkpoint, vkey)) continue;
      if (named.includes(text) || enrolled?.judge(vkey, null).ok === true) return 'yes';
    }
    return 'not signed';
  }

  /** Judged by the trust notes of this moment, so that a revoked device is witnessed no longer. */
  private async enrolledKeys(origin: string): Promise<DeviceKeys | null> {
    const trust = this.options.trust();
    const device = origin.slice(deviceOrigin('').length);
    if (trust === null || origin !== deviceOrigin(device)) return null;
    const of = (kind: Kind) => this.options.state.documents(origin, kind);
    const notes = { enrolments: of('enrolment'), bindings: of('binding'), changes: of('key-change') };
    if (Object.values(notes).every(({ length }) => length === 0)) return null;
    return DeviceKeys.read(p, trust, device, notes);
  }

  /**
   * What a device says of itself, so that 500 of them need not be named one by one: its identity documents as a
   * JSON array of base64. They are kept only where the trust notes let its key count.
   */
  async addLog(body: Uint8Array): Promise<Answer> {
    const trust = this.options.trust();
    if (trust === null) return say(404, 'this witness knows logs by their keys alone');
    let sent: ReturnType<typeof parseDocuments>;
    try {
      sent = parseDocuments(body);
    } catch (error) {
      if (error instanceof FormatError || error instanceof SyntaxError) return say(400, 'no list of documents');
      throw error;
    }
    const device = sent[0]?.device ?? '';
    const origin = deviceOrigin(device);
    const now = new Date(this.options.clock.now()).toISOString();
    const of = (kind: Kind) => [
      ...this.options.state.documents(origin, kind),
      ...sent.filter((document) => document.kind === kind).map(({ bytes }) => ({ bytes, seen: now })),
    ];
    const keys = await DeviceKeys.read(p, trust, device, {
      enrolments: of('enrolment'),
      bindings: of('binding'),
      changes: of('key-change'),
    });
    const counts = keys.known().some((text) => keys.judge(parseVkey(p.sha256, text), null).ok);
    if (!counts) return say(403, keys.problems[0] ?? 'nobody that the trust note names enrolled this device');
    for (const { kind, bytes } of sent) {
      if (!this.options.state.addDocument(origin, kind, bytes, now)) return say(429, 'there are too many of this log');
    }
    return say(200, origin);
  }
}

const conflict = (size: number): Answer => ({ status: 409, type: 'text/x.tlog.size', body: `${size}\n` });

/** Throws FormatError or SyntaxError. */
function parseDocuments(body: Uint8Array): { kind: Kind; device: string; bytes: Uint8Array }[] {
  const list: unknown = JSON.parse(Buffer.from(body).toString());
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_SENT_DOCUMENTS) throw new FormatError('no list');
  const documents = list.map((item: unknown) => {
    const bytes = typeof item === 'string' ? fromBase64(item) : null;
    if (bytes === null) throw new FormatError('no base64');
    return oneDocument(bytes);
  });
  if (documents.some(({ device }) => device !== documents[0]?.device)) throw new FormatError('of several devices');
  return documents;
}

function oneDocument(bytes: Uint8Array): { kind: Kind; device: string; bytes: Uint8Array } {
  for (const kind of KINDS) {
    try {
      return { kind, device: parseDocument(kind, bytes).value.device, bytes };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }
  throw new FormatError('a document of another kind');
}

import * as fs from 'node:fs';
import { join } from 'node:path';
import {
  checkpointBytes,
  parseCheckpoint,
  type SignedCheckpoint,
  withSignatures,
} from '../../evidence/format/checkpoint.ts';
import { cosignedAt, formatSignature, type NoteSignature } from '../../evidence/format/signed-note.ts';
import { parseProof } from '../../evidence/format/tlog-proof.ts';
import { COSIGNATURE, type Vkey } from '../../evidence/format/vkey.ts';
import { verifyToken } from '../../evidence/timestamp/verify.ts';
import { keyOf } from '../../evidence/trust/entries.ts';
import { validAt } from '../../evidence/trust/validity.ts';
import type { Trust } from '../../evidence/trust/verify-trust.ts';
import { type Witnessed, witnessedBy } from '../../evidence/trust/witnesses.ts';
import { equal, toBase64 } from '../../recording/format/bytes.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import type { Books } from '../books.ts';
import type { Workspace } from '../workspace.ts';

/** One head of a device's log, with everything that was found for it. */
export interface FoundHead {
  checkpoint: SignedCheckpoint;
  /** Where it was found first, for a person. */
  where: string;
  /** RFC 3339: when this workspace saw it first. */
  seen: string | null;
  witnessed: Witnessed;
  /** What its time stamps say. */
  stamps: { ok: boolean; sentence: string }[];
  /** The earliest evidence that it existed. */
  evidence: string | null;
}

export interface FoundHeads {
  /** By size; several of one size are two histories. */
  heads: FoundHead[];
  problems: string[];
}

interface Raw {
  checkpoint: SignedCheckpoint;
  where: string;
  seen: string | null;
}

/** What was found under one text. */
interface Found {
  where: string;
  seen: string | null;
  checkpoint: SignedCheckpoint;
  /** The device's own signatures, as each object had them: one that is wrong spoils no other object's. */
  own: Map<string, NoteSignature[]>;
  /** One of a key that is nobody's here, to tell of. */
  stranger: NoteSignature | null;
  /** Cosignatures that are their witness' own. */
  cosignatures: Map<string, NoteSignature>;
}

const iso = (milliseconds: number | null): string | null =>
  milliseconds === null ? null : new Date(milliseconds).toISOString();

/** Every head of a device that ever came here: from its log, from witnesses, with bundles, and the last one verified. */
export function findHeads(workspace: Workspace, books: Books, trust: Trust, org: string, device: string): FoundHeads {
  const problems: string[] = [];
  const byText = new Map<string, Found>();
  const witnesses = witnessKeys(trust);
  const add = (bytes: Uint8Array, where: string, seen: string | null, proof = false) => {
    try {
      const checkpoint = proof ? parseProof(bytes).checkpoint : parseCheckpoint(bytes);
      problems.push(...collect(byText, witnesses, { checkpoint, where, seen }));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      problems.push(`${where} is damaged: ${error.message}`);
    }
  };
  const log = `${org}/${device}/log`;
  const stamps: { size: string; name: string }[] = [];
  for (const name of filesIn(workspace.kept(log)).filter((one) => one.startsWith('checkpoint.'))) {
    if (name.endsWith('.tsr')) stamps.push({ size: name.split('.')[1]!, name });
    else add(read(workspace.kept(`${log}/${name}`)), name, iso(books.firstSeen(`${log}/${name}`)));
  }
  for (const object of books.byState('changed', `${log}/checkpoint.`)) {
    const file = workspace.changed(object.name, object.sha256);
    if (!object.name.endsWith('.tsr') && fs.existsSync(file)) {
      add(read(file), `another ${object.name.slice(log.length + 1)}`, iso(object.firstSeen));
    }
  }
  for (const { name, path } of proofsOf(workspace, org, device)) {
    add(
      read(path),
      `the proof in the bundle of ${name.split('/')[0]}`,
      iso(books.firstSeen(`${org}/${device}/proofs/${name}`)),
      true,
    );
  }
  const last = workspace.heads()[device];
  if (last !== undefined) add(Buffer.from(last.checkpoint), 'the last head that was verified here', last.seen);
  const stampsOf = (size: number) =>
    stamps.filter((one) => Number(one.size) === size).map(({ name }) => read(workspace.kept(`${log}/${name}`)));
  const heads = [...byText.values()]
    .flatMap(headsOf)
    .sort((a, b) => a.checkpoint.size - b.checkpoint.size)
    .map((raw) => judged(trust, raw, stampsOf(raw.checkpoint.size)));
  return { heads, problems };
}

const read = (path: string): Buffer => fs.readFileSync(path);
const filesIn = (folder: string): string[] => (fs.existsSync(folder) ? fs.readdirSync(folder).sort() : []);

export function proofsOf(workspace: Workspace, org: string, device: string): { name: string; path: string }[] {
  const folder = workspace.kept(`${org}/${device}/proofs`);
  return filesIn(folder).flatMap((sid) =>
    filesIn(join(folder, sid))
      .filter((file) => file.endsWith('.tlog-proof'))
      .map((file) => ({ name: `${sid}/${file}`, path: join(folder, sid, file) })),
  );
}

const witnessKeys = (trust: Trust): Vkey[] =>
  (trust.note?.witnesses ?? []).flatMap((entry) => keyOf(p.sha256, entry.vkey, '', COSIGNATURE) ?? []);

/**
 * Signatures of one text belong together, whichever object they came in. Anybody who can write to the store can
 * add objects with signatures of their making: those are told, and take nothing from the genuine ones.
 *
 * @returns what is wrong with this one.
 */
function collect(byText: Map<string, Found>, witnesses: readonly Vkey[], { checkpoint, where, seen }: Raw): string[] {
  const { text, signatures } = checkpoint.note;
  const found = byText.get(text) ?? {
    where,
    seen,
    checkpoint,
    own: new Map(),
    stranger: null,
    cosignatures: new Map(),
  };
  found.seen = earlier(found.seen, seen);
  byText.set(text, found);
  const own = signatures.filter(({ name }) => name === checkpoint.origin);
  if (own.length > 0) found.own.set(own.map(formatSignature).join('\n'), own);
  const wrong: string[] = [];
  for (const signature of signatures) {
    const witness = witnesses.find(({ name, hash }) => name === signature.name && equal(hash, signature.hash));
    if (witness === undefined) {
      if (signature.name !== checkpoint.origin) found.stranger ??= signature;
      continue;
    }
    if (typeof cosignedAt(p, { text, signatures: [signature] }, witness) === 'number')
      found.cosignatures.set(formatSignature(signature), signature);
    else wrong.push(`${where} has a cosignature in the name of ${witness.name} that is not its own`);
  }
  return wrong;
}

function headsOf({ checkpoint, where, seen, own, stranger, cosignatures }: Found): Raw[] {
  const others = [...cosignatures.values(), ...(stranger === null ? [] : [stranger])];
  const variants = own.size === 0 ? [[]] : [...own.values()];
  return variants.map((signatures) => ({
    checkpoint: { ...checkpoint, note: { ...checkpoint.note, signatures: [...signatures, ...others] } },
    where,
    seen,
  }));
}

const earlier = (a: string | null, b: string | null): string | null => (a === null || (b !== null && b < a) ? b : a);

function judged(trust: Trust, raw: Raw, tokens: readonly Uint8Array[]): FoundHead {
  const digest = p.sha256(checkpointBytes(raw.checkpoint));
  let stamped: string | null = null;
  const stamps = tokens.map((token) => {
    const certificates = (trust.note?.tsas ?? []).map(({ certificate }) => certificate);
    const { ok, time, sentence } = verifyToken(token, digest, certificates);
    if (!ok || time === null) return { ok: false, sentence };
    const counts = trust.note?.tsas.some(
      (tsa) =>
        verifyToken(token, digest, [tsa.certificate]).ok &&
        validAt({ ...tsa, revoked: null }, time, trust.now).ok &&
        // A key that was taken back could date anything: its word needs somebody else's.
        (tsa.revoked === null || validAt(tsa, raw.seen, trust.now).ok),
    );
    if (counts !== true)
      return { ok: false, sentence: `A time stamp of ${time} is by an authority that does not count for then.` };
    stamped = earlier(stamped, time);
    return { ok: true, sentence };
  });
  const witnessed = witnessedBy(p, trust, raw.checkpoint.note, earlier(raw.seen, stamped));
  return { ...raw, stamps, witnessed, evidence: witnessed.earliest };
}

/** What is evidence for a head is evidence for those before it, of which it is the continuation. @param heads of one history, by size. */
export function carryBack(heads: readonly FoundHead[]): void {
  let evidence: string | null = null;
  for (const head of heads.toReversed()) {
    evidence = earlier(evidence, head.evidence);
    head.evidence = evidence;
  }
}

/** The first head that covers an entry. @param heads by size. */
export function headOver(heads: readonly FoundHead[], index: number): FoundHead | null {
  let [low, high] = [0, heads.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (heads[middle]!.checkpoint.size > index) high = middle;
    else low = middle + 1;
  }
  return heads[low] ?? null;
}

/** For `heads.json`. */
export const rememberedHead = ({ checkpoint, seen }: FoundHead, now: string) => ({
  size: checkpoint.size,
  root: toBase64(checkpoint.root),
  seen: seen ?? now,
  checkpoint: Buffer.from(withSignatures(checkpoint, [])).toString(),
});

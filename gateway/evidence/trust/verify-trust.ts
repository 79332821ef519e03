import { CountersignError } from '../../contract/errors.ts';
import { toBase64 } from '../../recording/format/bytes.ts';
import { FormatError, type Primitives } from '../../recording/format/primitives.ts';
import type { TrustNote } from '../format/documents.ts';
import { parseDocument } from '../format/signed-document.ts';
import { isSignedBy, type SignedNote } from '../format/signed-note.ts';
import { parseVkey, sameVkey, type Vkey } from '../format/vkey.ts';
import { breaksOf, faultsOf, keyOf, shortKey } from './entries.ts';

/** Hashing and verifying: all that judging signatures needs from outside. */
export type Checks = Pick<Primitives, 'sha256' | 'verify'>;

export interface TrustProblem {
  /** Number of the note, null when it concerns none or cannot be read. */
  n: number | null;
  kind: 'unreadable' | 'signature' | 'missing' | 'prev' | 'twice' | 'content' | 'history' | 'expired';
  /** For a person: what is wrong and what follows from it. */
  sentence: string;
}

export interface VerifiedNote {
  note: TrustNote;
  /** Base64 SHA-256 of the file: `prev` of the next one. */
  hash: string;
}

export interface Root {
  vkey: Vkey;
  /** The time in which it was the root, RFC 3339; the present one has no end. */
  from: string;
  until: string;
}

/** The organisation as its root describes it. */
export interface Trust {
  /** The state: the newest note. Null when none can be relied on, and then nothing is verified. */
  note: TrustNote | null;
  /** Every note that was verified, oldest first. */
  history: readonly VerifiedNote[];
  /** Every key that was the root, oldest first; the last one signs the next note. */
  roots: readonly Root[];
  problems: readonly TrustProblem[];
  /** The verifier's clock. */
  now: string;
}

interface Candidate extends VerifiedNote {
  signed: SignedNote;
}

const MAX_NOTES = 10_000;
const NO_END = '9999-12-31T23:59:59.999Z';

/**
 * Judges the trust notes from nothing but the root's key, which the caller got elsewhere.
 *
 * @param rootVkey as text; the first root or a later one. Throws TRUST_ROOT when it is none.
 * @param notes files of `<org>/trust/`, in any order.
 * @param now RFC 3339, the verifier's clock.
 */
export function verifyTrust(p: Checks, rootVkey: string, notes: Iterable<Uint8Array>, now: string): Trust {
  const chain = new Chain(p, rootOf(p, rootVkey));
  const candidates = chain.read(notes);
  for (const [n, group] of candidates) chain.take(n, group, candidates.get(n + 1) ?? []);
  return chain.finish(now);
}

/** Throws TRUST_ROOT. */
function rootOf(p: Checks, text: string): Vkey {
  try {
    const vkey = parseVkey(p.sha256, text.trim());
    if (vkey.name.startsWith('countersign/org/')) return vkey;
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
  }
  throw new CountersignError(
    'TRUST_ROOT',
    'the root is not a key of the form countersign/org/<org>+<8 hex digits>+<base64>; take it from whoever made it, never from the store',
  );
}

class Chain {
  private readonly p: Checks;
  private readonly org: string;
  private readonly problems: TrustProblem[] = [];
  private readonly history: Candidate[] = [];
  private readonly roots: Root[] = [];
  /** What the root given did not sign and came before it: an earlier root's, if `prev` says so. */
  private readonly earlier: Candidate[] = [];
  private root: Vkey;
  /** The number that two different notes have, while no later one says which counts. */
  private undecided: number | null = null;

  constructor(p: Checks, root: Vkey) {
    this.p = p;
    this.root = root;
    this.org = root.name.slice('countersign/org/'.length);
  }

  private tell(n: number | null, kind: TrustProblem['kind'], sentence: string): void {
    this.problems.push({ n, kind, sentence });
  }

  /** By number, ascending; the same file twice counts once. */
  read(notes: Iterable<Uint8Array>): Map<number, Candidate[]> {
    const found = new Map<string, Candidate>();
    let count = 0;
    for (const bytes of notes) {
      count += 1;
      if (count > MAX_NOTES) {
        this.tell(null, 'unreadable', `there are more than ${MAX_NOTES} trust notes; the rest was not looked at`);
        break;
      }
      const candidate = this.readOne(bytes);
      if (candidate !== null) found.set(candidate.hash, candidate);
    }
    const sorted = [...found.values()].sort((a, b) => a.note.n - b.note.n);
    return Map.groupBy(sorted, ({ note }) => note.n);
  }

  private readOne(bytes: Uint8Array): Candidate | null {
    try {
      const { value, note: signed } = parseDocument('trust', bytes);
      if (value.org === this.org) return { note: value, signed, hash: toBase64(this.p.sha256(bytes)) };
      this.tell(value.n, 'unreadable', `a trust note is of the organisation ${value.org}, not of ${this.org}`);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.tell(null, 'unreadable', `a trust note cannot be read: ${error.message}`);
    }
    return null;
  }

  /** @param group the notes of number n. @param next those of n + 1. */
  take(n: number, group: Candidate[], next: readonly Candidate[]): void {
    const signed = group.filter(({ signed: note }) => isSignedBy(this.p, note, this.root));
    for (const other of group.filter((candidate) => !signed.includes(candidate))) this.setAside(other);
    const chosen = signed.length > 1 ? this.chooseOf(n, signed, next) : signed[0];
    if (chosen === undefined) return;
    this.undecided = null;
    const before = this.history.at(-1);
    this.checkPlace(chosen, before);
    for (const fault of faultsOf(this.p.sha256, chosen.note)) {
      this.tell(n, 'content', `trust note ${n} cannot be as it is: ${fault}`);
    }
    this.history.push(chosen);
    this.followRoot(chosen.note);
  }

  private setAside(candidate: Candidate): void {
    if (this.history.length === 0) this.earlier.push(candidate);
    else this.tellForeign(candidate);
  }

  private tellForeign({ note: { n } }: Candidate): void {
    const root = shortKey(`${this.root.name}+${Buffer.from(this.root.hash).toString('hex')}`);
    const last = this.history.at(-1)?.note.n ?? n;
    const gap = n > last + 1 ? `; one that is missing before it may have named another root` : '';
    this.tell(
      n,
      'signature',
      `a trust note ${n} is not signed by ${root}, the root at that point: it does not count${gap}`,
    );
  }

  private chooseOf(n: number, signed: Candidate[], next: readonly Candidate[]): Candidate | undefined {
    const named = signed.find(({ hash, note: { root } }) => {
      const signer = keyOf(this.p.sha256, root, `countersign/org/${this.org}`) ?? this.root;
      return next.some(({ note, signed: after }) => note.prev === hash && isSignedBy(this.p, after, signer));
    });
    if (named === undefined) this.undecided = n;
    const what =
      named === undefined
        ? 'and none after them says which counts: make the next one from the right one'
        : 'of which the one counts that the next names';
    this.tell(n, 'twice', `there are ${signed.length} different trust notes ${n}, all signed by the root, ${what}`);
    return named;
  }

  private checkPlace({ note }: Candidate, before: Candidate | undefined): void {
    const { n } = note;
    if (before === undefined) {
      if (n === 1 && note.prev !== '') this.tell(n, 'prev', 'trust note 1 names one before it, and there can be none');
      return;
    }
    if (n > before.note.n + 1) this.tellMissing(before.note.n + 1, n - 1);
    else if (note.prev !== before.hash) {
      this.tell(n, 'prev', `trust note ${n} names another note ${n - 1} than the one that is here`);
    }
    for (const sentence of breaksOf(before.note, note)) this.tell(n, 'history', `trust note ${n} ${sentence}`);
  }

  private tellMissing(from: number, to: number): void {
    const which = from === to ? `trust note ${from} is` : `trust notes ${from} to ${to} are`;
    this.tell(from, 'missing', `${which} missing`);
  }

  private followRoot(note: TrustNote): void {
    const last = this.roots.at(-1);
    if (last === undefined) this.roots.push({ vkey: this.root, from: note.issuedAt, until: NO_END });
    const next = keyOf(this.p.sha256, note.root, `countersign/org/${this.org}`);
    if (next === null || sameVkey(next, this.root)) return;
    this.roots[this.roots.length - 1]!.until = note.issuedAt;
    this.roots.push({ vkey: next, from: note.issuedAt, until: NO_END });
    this.root = next;
  }

  /** Notes of a root before the one given: what that one signed names them by hash. */
  private takeEarlier(): void {
    const first = this.history[0];
    if (first === undefined) return;
    let at: Candidate = first;
    for (const candidate of this.earlier.toSorted((a, b) => b.note.n - a.note.n)) {
      if (candidate.note.n === at.note.n - 1 && candidate.hash === at.note.prev) {
        this.history.unshift(candidate);
        at = candidate;
      } else this.tellForeign(candidate);
    }
    if (at.note.n > 1) this.tellMissing(1, at.note.n - 1);
  }

  finish(now: string): Trust {
    this.takeEarlier();
    const newest = this.history.at(-1)?.note;
    if (newest === undefined) {
      this.tell(null, 'signature', 'no trust note is signed by the root given, so nothing can be verified');
    } else if (newest.validUntil <= now) {
      const since = `what was revoked since may not be known here`;
      this.tell(newest.n, 'expired', `the newest trust note, ${newest.n}, ended on ${newest.validUntil}: ${since}`);
    }
    return {
      note: this.undecided === null ? (newest ?? null) : null,
      history: this.history.map(({ note, hash }) => ({ note, hash })),
      roots: this.roots.length > 0 ? this.roots : [{ vkey: this.root, from: now, until: NO_END }],
      problems: this.problems,
      now,
    };
  }
}

/** The note that was the newest at a time; the first one for a time before it, null without any. */
export function noteAt(trust: Trust, when: string): TrustNote | null {
  const before = trust.history.filter(({ note }) => note.issuedAt <= when);
  return (before.at(-1) ?? trust.history[0])?.note ?? null;
}

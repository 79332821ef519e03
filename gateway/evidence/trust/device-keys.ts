import { FormatError } from '../../recording/format/primitives.ts';
import { deviceOrigin } from '../format/checkpoint.ts';
import type { KeyChange, Validity } from '../format/documents.ts';
import { parseDocument, type SignedDocument } from '../format/signed-document.ts';
import { isSignedBy } from '../format/signed-note.ts';
import { formatVkey, parseVkey, type Vkey } from '../format/vkey.ts';
import { keyOf, shortKey } from './entries.ts';
import { type BoundPerson, checkIdToken, SKEW_SECONDS } from './id-token.ts';
import { validAt } from './validity.ts';
import type { Checks, Trust } from './verify-trust.ts';

/** A file of `<org>/<device>/identity/`. */
export interface IdentityNote {
  bytes: Uint8Array;
  /**
   * The earliest evidence that it existed, RFC 3339: the auditor's first sight of it, or evidence of a checkpoint of
   * the device's log that an `identity` entry with its hash comes before. Null: none from before today.
   */
  seen: string | null;
}

export interface IdentityNotes {
  enrolments: readonly IdentityNote[];
  bindings: readonly IdentityNote[];
  changes: readonly IdentityNote[];
}

export type KeyVerdict =
  | {
      ok: true;
      /** For a person: on whose word the key is the organisation's. */
      sentence: string;
      by: 'enrolment' | 'binding';
      /** Whom an identity provider bound it to; null for an enrolment. */
      person: BoundPerson | null;
    }
  | { ok: false; sentence: string };

/** On whose word a key is the organisation's. */
interface Claim {
  vkey: string;
  from: string;
  until: string;
  by: 'enrolment' | 'binding';
  words: string;
  /** The key that handed over to it, if one did. */
  follows: string | null;
  person: BoundPerson | null;
}

const MAX_NOTES = 1000;

/** What is known of the keys of one device. */
export class DeviceKeys {
  /** What was found and does not count, as sentences. */
  readonly problems: string[] = [];
  private readonly claims: Claim[] = [];
  private readonly p: Checks;
  private readonly trust: Trust;
  private readonly device: string;

  private constructor(p: Checks, trust: Trust, device: string) {
    this.p = p;
    this.trust = trust;
    this.device = device;
  }

  static async read(p: Checks, trust: Trust, device: string, notes: IdentityNotes): Promise<DeviceKeys> {
    const keys = new DeviceKeys(p, trust, device);
    if (trust.note === null) return keys;
    for (const note of keys.bounded(notes.enrolments, 'enrolments')) keys.addEnrolment(note);
    for (const note of keys.bounded(notes.bindings, 'bindings')) await keys.addBinding(note);
    keys.addChanges(keys.bounded(notes.changes, 'changes of key'));
    return keys;
  }

  /** The vkeys that count at some time, in the order in which they were found. */
  known(): string[] {
    return [...new Set(this.claims.map(({ vkey }) => vkey))];
  }

  /** Whether what this key signed is the device's, for something that existed at `when` (see `validAt`). */
  judge(vkey: Vkey, when: string | null): KeyVerdict {
    const text = formatVkey(vkey);
    const claims = this.claims.filter((claim) => claim.vkey === text);
    const name = shortKey(text);
    if (this.trust.note === null)
      return { ok: false, sentence: `the key ${name} cannot be judged without a trust note` };
    if (claims.length === 0)
      return { ok: false, sentence: `nobody that the trust note names enrolled the key ${name}` };
    let why = '';
    for (const { from, until, by, words, follows, person } of claims) {
      const check = validAt({ from, until, revoked: this.revocationOf(text) }, when, this.trust.now);
      const how = follows === null ? words : `it follows ${shortKey(follows)}, and ${words}`;
      if (check.ok) return { ok: true, sentence: `the key ${name} is the device’s: ${how}`, by, person };
      why = check.why;
    }
    return { ok: false, sentence: `the key ${name} does not count for this: ${why}` };
  }

  private revocationOf(vkey: string): Validity['revoked'] {
    return this.trust.note?.devices.find((entry) => entry.vkey === vkey)?.revoked ?? null;
  }

  private bounded(notes: readonly IdentityNote[], what: string): readonly IdentityNote[] {
    if (notes.length > MAX_NOTES)
      this.problems.push(`there are more than ${MAX_NOTES} ${what}; the rest was not looked at`);
    return notes.slice(0, MAX_NOTES);
  }

  /** Null, with a problem told, when it is not such a document of this device and organisation. */
  private parse<K extends 'enrolment' | 'binding' | 'key-change'>(
    kind: K,
    { bytes }: IdentityNote,
    keysOf: (value: SignedDocument<K>['value']) => string[],
  ): (SignedDocument<K> & { keys: Vkey[] }) | null {
    try {
      const document = parseDocument(kind, bytes);
      const { device } = document.value;
      const org = 'org' in document.value ? document.value.org : this.trust.note?.org;
      if (device !== this.device) throw new FormatError(`it is of the device ${device}`);
      if (org !== this.trust.note?.org) throw new FormatError(`it is of the organisation ${org}`);
      const keys = keysOf(document.value).map((text) => parseVkey(this.p.sha256, text));
      for (const { name } of keys) {
        if (name !== deviceOrigin(this.device)) throw new FormatError(`its key is ${name}’s`);
      }
      return { ...document, keys };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.problems.push(`a document of kind ${kind} does not count: ${error.message}`);
      return null;
    }
  }

  private addEnrolment(from: IdentityNote): void {
    const document = this.parse('enrolment', from, ({ vkey }) => [vkey]);
    if (document === null) return;
    const { value, note } = document;
    let why = 'it is signed by no authority that the trust note names';
    for (const { words, vkey, validity } of this.enrollers()) {
      if (vkey === null || !isSignedBy(this.p, note, vkey)) continue;
      const check = validAt(validity, from.seen, this.trust.now);
      if (check.ok) {
        const said = `${words} enrolled it as ${value.name}`;
        this.claims.push({ ...value, by: 'enrolment', words: said, follows: null, person: null });
        return;
      }
      why = `${words} does not count for it: ${check.why}`;
    }
    this.problems.push(`the enrolment of ${shortKey(value.vkey)} does not count: ${why}`);
  }

  private enrollers(): { words: string; vkey: Vkey | null; validity: Validity }[] {
    const authorities = (this.trust.note?.authorities ?? []).map((entry) => ({
      words: `the authority ${shortKey(entry.vkey)}`,
      vkey: keyOf(this.p.sha256, entry.vkey, 'countersign/authority/'),
      validity: entry,
    }));
    const roots = this.trust.roots.map(({ vkey, from, until }) => ({
      words: `the root ${shortKey(formatVkey(vkey))}`,
      vkey,
      validity: { from, until, revoked: null },
    }));
    return [...authorities, ...roots];
  }

  private async addBinding(from: IdentityNote): Promise<void> {
    const document = this.parse('binding', from, ({ vkey }) => [vkey]);
    if (document === null) return;
    const { value, note, keys } = document;
    const vkey = keys[0]!;
    const check = isSignedBy(this.p, note, vkey)
      ? await checkIdToken(this.p, this.trust, value, vkey, from.seen)
      : ({ ok: false, why: 'it is not signed by the key that it binds' } as const);
    if (!check.ok) {
      this.problems.push(`the binding of ${shortKey(value.vkey)} does not count: ${check.why}`);
      return;
    }
    const { person } = check;
    const words = `${person.issuer} bound it to ${person.name} on ${person.at}`;
    this.claims.push({
      vkey: value.vkey,
      // The provider's clock may be ahead of who saw the key sign.
      from: new Date(Date.parse(person.at) - SKEW_SECONDS * 1000).toISOString(),
      until: person.until,
      by: 'binding',
      words,
      follows: null,
      person,
    });
  }

  /** A change carries the old key's enrolment over, so those of the oldest key are taken first, whatever their order. */
  private addChanges(notes: readonly IdentityNote[]): void {
    let open = notes.flatMap((from) => {
      const document = this.parse('key-change', from, (value) => [value.old, value.new]);
      return document === null ? [] : [{ ...document, seen: from.seen }];
    });
    this.tellForks(open.map(({ value }) => value));
    for (let taken = true; taken; ) {
      const before = open;
      open = open.filter((change) => !this.takeChange(change));
      taken = open.length < before.length;
    }
    for (const { value } of open) {
      this.problems.push(
        `the change from ${shortKey(value.old)} to ${shortKey(value.new)} does not count: ${this.whyNot(value.old)}`,
      );
    }
  }

  /** A key hands over once: a second time it was somebody else who had it. */
  private tellForks(changes: readonly KeyChange[]): void {
    for (const [old, group] of Map.groupBy(changes, (change) => change.old)) {
      const next = [...new Set(group.map((change) => shortKey(change.new)))];
      if (next.length > 1)
        this.problems.push(`the key ${shortKey(old)} handed over to ${next.length} keys: ${next.join(', ')}`);
    }
  }

  private whyNot(vkey: string): string {
    return this.known().includes(vkey) ? 'the key before it did not count by then' : 'the key before it is not known';
  }

  private takeChange(change: SignedDocument<'key-change'> & { keys: Vkey[]; seen: string | null }): boolean {
    const [old, next] = change.keys as [Vkey, Vkey];
    const { value } = change;
    if (!isSignedBy(this.p, change.note, old) || !isSignedBy(this.p, change.note, next)) {
      this.problems.push(
        `the change from ${shortKey(value.old)} to ${shortKey(value.new)} does not count: both keys have to sign it`,
      );
      return true;
    }
    if (!this.judge(old, change.seen).ok) return false;
    const known = this.claims.filter((claim) => claim.vkey === value.new);
    for (const claim of this.claims.filter(({ vkey }) => vkey === value.old)) {
      // The same enrolment again, by another file of the same change, says nothing more.
      if (known.some(({ words }) => words === claim.words)) continue;
      this.claims.push({ ...claim, vkey: value.new, follows: value.old });
    }
    return true;
  }
}

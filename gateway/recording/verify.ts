import * as fs from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import type { SessionState, Verification, VerificationCheck } from '../contract/session.ts';
import { numbered, OPEN_NAME, SUMS_NAME, SUMS_SIGNATURE_NAME } from './files.ts';
import { equal, fromBase64, toBase64 } from './format/bytes.ts';
import type { Line, RunPart } from './format/lines.ts';
import { Frontier, leafHash } from './format/merkle.ts';
import { originOf, parseHead, type SignedHead, splitHeads, verifyHead } from './format/note.ts';
import { FormatError } from './format/primitives.ts';
import { checkRun, hasRun, type LoggedLine, logLines } from './log.ts';
import { LoggedChecks, type LoggedSession } from './logged.ts';
import { nodePrimitives as p, publicKeyPem } from './primitives.ts';
import { readBounded, scanUnits } from './scan.ts';
import { sumsOf } from './session-sealer.ts';
import { UnitSource } from './unit-source.ts';

type Check = z.infer<typeof VerificationCheck>;

export interface VerifyOptions {
  /** Session keys (base64 of 32 bytes) that somebody vouches for, from outside the recording. */
  trustedKeys?: readonly string[];
  /** A signed head of this session that had left the machine, as in a heads file. */
  head?: Uint8Array;
  /** What the device's log says of it, when that was verified; then its keys are vouched for by the log. */
  logged?: LoggedSession;
}

/**
 * Checks one session's folder: everything that can be checked without the device log. Memory does not
 * grow with the session, apart from 32 bytes a signed head. Damage is reported, never thrown.
 */
export async function verifySession(folder: string, options: VerifyOptions = {}): Promise<Verification> {
  return new Verifier(folder, options).run();
}

interface KeyFrom {
  /** Heads over more lines than this are by this key. */
  from: number;
  key: Uint8Array;
}

class Verifier {
  private readonly checks: Check[] = [];
  private readonly broken: [number, number][] = [];
  private readonly folder: string;
  private readonly options: VerifyOptions;
  private readonly keys: KeyFrom[] = [];
  private readonly heads: SignedHead[] = [];
  private readonly frontier = new Frontier(p.sha256);
  private readonly problems = {
    lines: [] as string[],
    units: [] as string[],
    heads: [] as string[],
    roots: [] as string[],
  };
  private sid = '';
  private open: LoggedLine | null = null;
  private last: Line | null = null;
  private recovered = 0;
  private beyond = 0;
  private units = 0;
  private redacted = 0;
  private rootsChecked = 0;
  private readonly logged: LoggedChecks | null;
  private outside: { head: SignedHead; matched: boolean } | null = null;

  constructor(folder: string, options: VerifyOptions) {
    this.folder = folder;
    this.options = options;
    this.logged = options.logged === undefined ? null : new LoggedChecks(options.logged);
  }

  private check(name: string, status: Check['status'], sentence: string): void {
    this.checks.push({ name, status, sentence });
  }

  async run(): Promise<Verification> {
    try {
      this.readHeads();
      this.readOutsideHead();
      await this.walk();
      this.readUnits();
    } catch (error) {
      this.problems.lines.push(`the folder could not be read to its end: ${(error as Error).message}`);
    }
    this.conclude();
    const state: z.infer<typeof SessionState> = this.last?.type === 'close' ? this.last.state : 'open';
    return {
      sessionId: this.sid,
      ok: this.checks.every((check) => check.status !== 'failed'),
      state,
      checks: this.checks,
      brokenExchanges: merged(this.broken),
    };
  }

  private readHeads(): void {
    for (const { path, name } of numbered(this.folder, 'heads')) {
      const bytes = readBounded(path);
      const { notes, complete } = splitHeads(bytes);
      if (complete < bytes.length) this.problems.heads.push(`${name} ends in bytes that are no head`);
      for (const note of notes) {
        try {
          this.heads.push(parseHead(note));
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
          this.problems.heads.push(`${name}: ${error.message}`);
        }
      }
    }
    for (let i = 1; i < this.heads.length; i += 1) {
      if (this.heads[i]!.size <= this.heads[i - 1]!.size) this.problems.heads.push(`head ${i} does not grow`);
    }
  }

  private readOutsideHead(): void {
    if (this.options.head === undefined) return;
    try {
      this.outside = { head: parseHead(trimmed(this.options.head)), matched: false };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.check('given head', 'failed', `The head given cannot be read: ${error.message}.`);
    }
  }

  private async walk(): Promise<void> {
    const source = new UnitSource(this.folder);
    const { problems, frontier } = this;
    let prev = '';
    let headAt = 0;
    let turn = 0;
    for (const logged of logLines(this.folder)) {
      if (logged === null) {
        problems.lines.push(`events after ${frontier.size - 1} cannot be read`);
        continue;
      }
      const { line, bytes } = logged;
      if (line.seq !== frontier.size)
        problems.lines.push(`event ${frontier.size} is missing: the next one says it is ${line.seq}`);
      else if (line.prev !== prev) problems.lines.push(`event ${line.seq} does not follow the one before it`);
      const before = line.type === 'close' ? toBase64(frontier.root()) : '';
      const leaf = leafHash(p.sha256, bytes);
      prev = toBase64(leaf);
      frontier.add(leaf);
      this.note(logged, before);
      if (hasRun(line)) this.bind(line, source);
      while (headAt < this.heads.length && this.heads[headAt]!.size <= frontier.size) {
        const head = this.heads[headAt]!;
        headAt += 1;
        this.rootsChecked += 1;
        if (head.size !== frontier.size || !equal(head.root, frontier.root())) {
          problems.roots.push(`the head over ${head.size} events does not match them`);
        }
      }
      this.logged?.at(frontier.size, () => frontier.root());
      const { outside } = this;
      if (outside !== null && outside.head.size === frontier.size)
        outside.matched = equal(outside.head.root, frontier.root());
      // Verification of a large session must not stop everything else that its thread does.
      if (++turn % 256 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const head of this.heads.slice(headAt))
      problems.roots.push(`a head over ${head.size} events was found, but there are ${frontier.size}`);
  }

  private note({ line, bytes }: LoggedLine, rootBefore: string): void {
    const { problems } = this;
    if (this.last?.type === 'close' && line.type !== 'recovered')
      problems.lines.push(`event ${line.seq} comes after the session was closed`);
    if (line.type === 'open') {
      if (this.open !== null) problems.lines.push(`event ${line.seq} opens the session again`);
      else {
        this.open = { line, bytes };
        this.sid = line.sid;
      }
    } else if (this.open === null) problems.lines.push(`event ${line.seq} comes before the session was opened`);
    if (line.type === 'open' || line.type === 'recovered') {
      this.keys.push({ from: line.seq, key: fromBase64(line.key) ?? new Uint8Array(0) });
    }
    if (line.type === 'recovered') {
      this.recovered += 1;
      this.beyond += line.beyond;
    }
    if (line.type === 'close') {
      if (line.size !== line.seq || line.root !== rootBefore)
        problems.roots.push('the close event states another size or root than the events before it have');
      if (line.units !== this.units)
        problems.units.push(`the close event counts ${line.units} units, its events bind ${this.units}`);
    }
    this.last = line;
  }

  private bind(line: Line & RunPart, source: UnitSource): void {
    if (line.u[0] !== this.units)
      this.problems.units.push(`event ${line.seq} binds units from ${line.u[0]}, where ${this.units} comes next`);
    this.units = line.u[0] + line.u[1];
    const run = checkRun(line, source);
    this.redacted += run.redacted;
    if (run.sound) return;
    this.problems.units.push(`the units of event ${line.seq} are damaged or missing`);
    if (line.x !== undefined) this.broken.push([line.x[0], line.x[1]]);
  }

  /** Everything in the units files has to be bound by an event: what no digest covers could say anything. */
  private readUnits(): void {
    let next = 0;
    for (const { path, name } of numbered(this.folder, 'units')) {
      for (const found of scanUnits(readBounded(path), () => false)) {
        if (found.header === null) {
          this.problems.units.push(`${name} has ${found.end - found.offset} bytes that are no container`);
          continue;
        }
        if (found.header.firstUnit !== next)
          this.problems.units.push(`${name}: unit ${next} is missing or comes twice`);
        next = found.header.firstUnit + found.header.count;
      }
    }
    if (next > this.units) this.problems.units.push(`${next - this.units} units are bound by no event`);
  }

  private conclude(): void {
    const { problems, frontier } = this;
    this.checkOpen();
    this.report('events', problems.lines, `${frontier.size} events follow each other without a gap.`);
    this.checkHeads();
    this.report('roots', problems.roots, `${this.rootsChecked} signed heads match the tree over the events.`);
    const redacted =
      this.redacted === 0 ? '' : ` ${this.redacted} of them were redacted; what they held cannot be checked.`;
    this.report('units', problems.units, `${this.units} units match the digests in the events.${redacted}`);
    this.checkSums();
    this.checkClosed();
    if (this.logged !== null) this.checkLogged(this.logged);
    else {
      this.checkOutside();
      this.checkTrust();
    }
  }

  private checkLogged(logged: LoggedChecks): void {
    const path = join(this.folder, SUMS_NAME);
    this.checks.push(
      ...logged.conclude({
        open: this.open?.bytes ?? null,
        size: this.frontier.size,
        units: this.units,
        state: this.last?.type === 'close' ? this.last.state : null,
        sums: fs.existsSync(path) ? fs.readFileSync(path) : null,
      }),
    );
    const unknown = this.keys.filter(({ from, key }) => !logged.vouches(toBase64(key), from));
    if (unknown.length === 0 && this.keys.length > 0)
      this.check('session key', 'ok', "Every key of the session is vouched for by the device's log.");
    else if (unknown.some(({ from }) => from === 0) || this.keys.length === 0)
      this.check('session key', 'failed', "The session's key is not the one that the device's log names.");
    else {
      const sentence = `The session went on after a crash under a key that the device's log does not vouch for: its events from ${unknown[0]!.from} rest on this device's word alone.`;
      this.check('session key', this.options.logged?.closed === null ? 'not-checked' : 'failed', sentence);
    }
  }

  private report(name: string, problems: readonly string[], fine: string): void {
    if (problems.length === 0) this.check(name, 'ok', fine);
    else {
      const more = problems.length > 5 ? `; and ${problems.length - 5} more` : '';
      this.check(name, 'failed', `${problems.slice(0, 5).join('; ')}${more}.`);
    }
  }

  private checkOpen(): void {
    if (this.open === null) {
      this.check('open event', 'failed', 'The session has no readable open event.');
      return;
    }
    const path = join(this.folder, OPEN_NAME);
    const bytes = fs.existsSync(path) && fs.statSync(path).size < 70_000 ? fs.readFileSync(path) : null;
    const same = bytes !== null && bytes.at(-1) === 0x0a && equal(bytes.subarray(0, -1), this.open.bytes);
    if (same) this.check('open event', 'ok', `${OPEN_NAME} is the session's first event.`);
    else this.check('open event', 'failed', `${OPEN_NAME} is missing, or is not the session's first event.`);
    for (const [name, key] of this.pems()) {
      const file = join(this.folder, name);
      if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') !== publicKeyPem(key)) {
        this.check('key files', 'failed', `${name} is not the key that the events name.`);
      }
    }
  }

  private pems(): [string, Uint8Array][] {
    return this.keys
      .filter(({ key }) => key.length === 32)
      .map(({ from, key }) => [from === 0 ? 'session-key.pem' : `recovery-key-${from}.pem`, key]);
  }

  private checkHeads(): void {
    const { problems } = this;
    for (const head of this.heads) {
      const key = this.keys.findLast(({ from }) => head.size > from)?.key;
      if (head.origin !== originOf(this.sid))
        problems.heads.push(`the head over ${head.size} events is of another session`);
      else if (key === undefined || !verifyHead(p, head, key))
        problems.heads.push(`the signature of the head over ${head.size} events is wrong`);
    }
    if (this.heads.length === 0) problems.heads.push('there is no signed head');
    this.report('head signatures', problems.heads, `${this.heads.length} heads are signed by the session's key.`);
    const covered = this.heads.at(-1)?.size ?? 0;
    if (covered < this.frontier.size) {
      const sentence = `${this.frontier.size - covered} events after the last signed head rest on this device's word alone.`;
      this.check('coverage', this.last?.type === 'close' ? 'failed' : 'not-checked', sentence);
    } else this.check('coverage', 'ok', 'The last signed head covers every event.');
  }

  private checkSums(): void {
    const [sumsPath, signaturePath] = [join(this.folder, SUMS_NAME), join(this.folder, SUMS_SIGNATURE_NAME)];
    if (!fs.existsSync(sumsPath) || !fs.existsSync(signaturePath)) {
      const closed = this.last?.type === 'close';
      this.check(
        'sums',
        closed ? 'failed' : 'not-checked',
        closed ? `${SUMS_NAME} or its signature is missing.` : 'Sums are made when the session is closed.',
      );
      return;
    }
    const sums = fs.readFileSync(sumsPath);
    const key = this.keys.at(-1)?.key ?? new Uint8Array(0);
    if (!p.verify(key, sums, fs.readFileSync(signaturePath))) {
      this.check('sums', 'failed', `The signature of ${SUMS_NAME} is wrong.`);
      return;
    }
    let same = false;
    try {
      same = sums.toString('utf8') === sumsOf(this.folder);
    } catch {
      // A file that cannot be read has no sum.
    }
    if (same) this.check('sums', 'ok', `${SUMS_NAME} is signed and matches every file it has to name.`);
    else this.check('sums', 'failed', `The files are not those that ${SUMS_NAME} names.`);
  }

  private checkClosed(): void {
    if (this.last?.type !== 'close') {
      this.check(
        'closing',
        'not-checked',
        'The session is open: what was cut off its end would not show, except against a head that had left the machine.',
      );
      return;
    }
    if (this.last.state === 'closed') this.check('closing', 'ok', `The session was closed: ${this.last.reason}.`);
    else {
      const lost =
        this.beyond > 0
          ? ` ${this.beyond} events after the last signed head of that time rest on this device's word alone.`
          : '';
      this.check('closing', 'ok', `The session is incomplete: ${this.last.reason}${lost}`);
    }
  }

  private checkOutside(): void {
    const { outside } = this;
    if (outside === null) {
      this.check(
        'given head',
        'not-checked',
        'No head that had left the machine was given, so a recording that was trimmed and closed again would not show.',
      );
      return;
    }
    const { head } = outside;
    const signed = this.keys.some(({ key }) => verifyHead(p, head, key)) && head.origin === originOf(this.sid);
    if (!signed) this.check('given head', 'failed', 'The given head was signed by no key of this session.');
    else if (head.size > this.frontier.size) {
      this.check(
        'given head',
        'failed',
        `The recording was trimmed: a head over ${head.size} events had left the machine, and ${this.frontier.size} are here.`,
      );
    } else if (!outside.matched) {
      this.check(
        'given head',
        'failed',
        `The recording was changed: its first ${head.size} events are not those of the head that had left the machine.`,
      );
    } else
      this.check(
        'given head',
        'ok',
        `The recording holds the ${head.size} events of the head that had left the machine.`,
      );
  }

  private checkTrust(): void {
    const trusted = this.options.trustedKeys;
    if (trusted === undefined) {
      this.check(
        'session key',
        'not-checked',
        'The session key is not yet vouched for by an organisation root: who made this recording rests on the recording itself.',
      );
      return;
    }
    const unknown = this.keys.filter(({ key }) => !trusted.includes(toBase64(key)));
    if (unknown.length === 0 && this.keys.length > 0)
      this.check('session key', 'ok', 'Every key of the session is among those that were given.');
    else this.check('session key', 'failed', 'A key of the session is not among those that were given.');
  }
}

/** A note as people pass it on: with or without the empty line that follows it in a heads file. */
function trimmed(note: Uint8Array): Uint8Array {
  let end = note.length;
  while (end > 1 && note[end - 1] === 0x0a && note[end - 2] === 0x0a) end -= 1;
  return note.subarray(0, end);
}

function merged(ranges: readonly [number, number][]): [number, number][] {
  const out: [number, number][] = [];
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const before = out.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else out.push([first, last]);
  }
  return out;
}

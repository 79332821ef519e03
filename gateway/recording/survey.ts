import * as fs from 'node:fs';
import { numbered } from './files.ts';
import { fromBase64, toBase64 } from './format/bytes.ts';
import { type CloseLine, type Line, parseLine } from './format/lines.ts';
import { Frontier, leafHash } from './format/merkle.ts';
import { parseHead, type SignedHead, splitHeads, verifyHead } from './format/note.ts';
import { FormatError } from './format/primitives.ts';
import { bindRun, hasRun, ShapeTable } from './log.ts';
import { nodePrimitives as p } from './primitives.ts';
import { readBounded, scanSegment, scanUnits } from './scan.ts';
import { noCounts, type Resume } from './session-sealer.ts';
import { UnitSource } from './unit-source.ts';

/** What of a session that was not closed can be relied on, and where its files have to be cut. */
export interface Survey {
  resume: Resume;
  lines: number;
  lastLine: Line | null;
  /** The last head that was found whole, whether or not all its lines still are. */
  head: { size: number; root: string } | null;
  cuts: { path: string; keep: number; what: 'lines' | 'units' | 'heads' }[];
  /** All found lines and units are whole and every line is covered by a signed head. */
  whole: boolean;
}

/**
 * Walks the files of one session. A line holds when it is the next in the chain; lines whose records
 * are still in a journal hold only if the units they bind are there too, since those can be made again.
 * @param firstJournalled number of the session's first record in a journal, or infinity.
 */
export function survey(folder: string, firstJournalled: number): Survey {
  const resume: Resume = {
    seq: 0,
    prev: '',
    frontier: new Frontier(p.sha256),
    units: 0,
    journalled: 0,
    nextExchange: 0,
    nextShape: 0,
    counts: noCounts(),
    fileNumber: nextNumber(folder),
  };
  const out: Survey = { resume, lines: 0, lastLine: null, head: null, cuts: [], whole: true };
  const source = new UnitSource(folder);
  const keys: { from: number; key: Uint8Array }[] = [];
  const shapes = new ShapeTable();
  let broken = false;
  for (const { path } of numbered(folder, 'segment')) {
    let keep = 0;
    const bytes = readBounded(path);
    for (const found of broken ? [] : scanSegment(bytes)) {
      const parsed = found.lines === null ? null : chain(found.lines, resume);
      // Frames are made and cut whole: a line cannot be taken out of one.
      const remakable = resume.journalled >= firstJournalled;
      if (parsed === null || (remakable && !parsed.every((line) => !hasRun(line) || bindRun(line, source).intact))) {
        broken = true;
        break;
      }
      for (const [i, line] of parsed.entries()) {
        if (line.type === 'open' || line.type === 'recovered') {
          keys.push({ from: line.seq, key: fromBase64(line.key) ?? new Uint8Array(0) });
        }
        shapes.learn(line);
        apply(line, found.lines![i]!, resume, source, shapes);
        out.lastLine = line;
      }
      keep = found.end;
    }
    if (keep < bytes.length) out.cuts.push({ path, keep, what: 'lines' });
  }
  out.lines = resume.seq;
  surveyUnits(folder, resume.units, out);
  surveyHeads(folder, keys, out);
  out.whole = out.cuts.length === 0 && out.head?.size === resume.seq && resume.seq > 0;
  return out;
}

function nextNumber(folder: string): number {
  const numbers = (['segment', 'units', 'heads'] as const).flatMap((kind) =>
    numbered(folder, kind).map((file) => file.number),
  );
  return numbers.length === 0 ? 0 : Math.max(...numbers) + 1;
}

/** The lines of a frame if they go on where the chain ends, else null. Changes nothing. */
function chain(lines: readonly Uint8Array[], resume: Resume): Line[] | null {
  const parsed: Line[] = [];
  let { seq, prev } = resume;
  for (const bytes of lines) {
    try {
      const line = parseLine(bytes);
      if (line.seq !== seq || line.prev !== prev) return null;
      parsed.push(line);
    } catch (error) {
      if (error instanceof FormatError) return null;
      throw error;
    }
    seq += 1;
    prev = toBase64(leafHash(p.sha256, bytes));
  }
  return parsed;
}

function apply(line: Line, bytes: Uint8Array, resume: Resume, source: UnitSource, shapes: ShapeTable): void {
  const leaf = leafHash(p.sha256, bytes);
  resume.frontier.add(leaf);
  resume.seq += 1;
  resume.prev = toBase64(leaf);
  resume.journalled = line.j;
  if (hasRun(line)) {
    resume.units = line.u[0] + line.u[1];
    resume.nextExchange = Math.max(resume.nextExchange, (line.x?.[1] ?? -1) + 1);
    for (const [number] of line.shapes ?? []) resume.nextShape = Math.max(resume.nextShape, number + 1);
    count(line, resume.counts, source, shapes);
  }
}

function count(line: Line, counts: CloseLine['counts'], source: UnitSource, shapes: ShapeTable): void {
  if (!hasRun(line)) return;
  const run = bindRun(line, source);
  let unit = 0;
  for (const entry of run.map ?? []) {
    if (entry.kind === 'up' || entry.kind === 'down') {
      const length = run.units[unit]?.bytes.length ?? 0;
      if (entry.kind === 'up') counts.bytesUp += length;
      else counts.bytesDown += length;
      if (entry.begins) counts.exchanges += 1;
    }
    if (entry.kind === 'statement' && entry.extra !== null)
      addMasked(counts, (JSON.parse(entry.extra) as { masked?: Record<string, number> }).masked);
    if (entry.kind === 'up' || entry.kind === 'down' || entry.kind === 'detail') unit += 1;
  }
  for (const [, statements, rows, errors] of line.sum ?? []) {
    counts.statements += statements;
    counts.rows += rows;
    counts.errors += errors;
  }
  if (line.type !== 'statement') return;
  const { own } = line;
  const shape = typeof own.shape === 'number' ? shapes.get(own.shape) : own.shape;
  counts.statements += 1;
  counts.rows += own.rows;
  if (own.error !== null) counts.errors += 1;
  if (shape?.decision.verdict.effect === 'ask') counts.asked += 1;
  if (shape?.decision.effect === 'deny') counts.denied += 1;
  addMasked(counts, own.masked);
}

function addMasked(counts: CloseLine['counts'], masked: Readonly<Record<string, number>> | null | undefined): void {
  for (const [entity, n] of Object.entries(masked ?? {})) counts.masked[entity] = (counts.masked[entity] ?? 0) + n;
}

/** Containers after the last bound unit belong to lines that were lost: their requests come from the journal. */
function surveyUnits(folder: string, bound: number, out: Survey): void {
  for (const { path } of numbered(folder, 'units')) {
    const bytes = readBounded(path);
    let keep = 0;
    for (const found of scanUnits(bytes, () => false)) {
      if (found.header !== null && found.header.firstUnit < bound) keep = found.end;
    }
    if (keep < bytes.length) out.cuts.push({ path, keep, what: 'units' });
  }
}

function surveyHeads(folder: string, keys: readonly { from: number; key: Uint8Array }[], out: Survey): void {
  for (const { path } of numbered(folder, 'heads')) {
    const bytes = fs.readFileSync(path);
    let keep = 0;
    for (const note of splitHeads(bytes).notes) {
      const head = goodHead(note, keys);
      if (head === null) break;
      if (out.head === null || head.size > out.head.size) out.head = { size: head.size, root: toBase64(head.root) };
      // A head over lines that are gone cannot stand among those that verify: it is named in the recovered event.
      if (head.size > out.resume.seq) break;
      keep += note.length + 1;
    }
    if (keep < bytes.length) out.cuts.push({ path, keep, what: 'heads' });
  }
}

function goodHead(note: Uint8Array, keys: readonly { from: number; key: Uint8Array }[]): SignedHead | null {
  try {
    const head = parseHead(note);
    return keys.some(({ key, from }) => head.size > from && verifyHead(p, head, key)) ? head : null;
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

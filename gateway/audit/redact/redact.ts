import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative, sep } from 'node:path';
import { CountersignError } from '../../contract/errors.ts';
import { createScanner } from '../../masking/detectors/scanner.ts';
import { type BundleEvidence, exportBundle } from '../../recording/bundle.ts';
import { numbered, SUMS_SIGNATURE_NAME } from '../../recording/files.ts';
import {
  CONTAINER_HEADER_BYTES,
  layOutContainer,
  openContainer,
  parseContainerHeader,
  redactUnits,
  sealContainer,
} from '../../recording/format/units.ts';
import { hasRun, logLines } from '../../recording/log.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import * as recordings from '../../recording/reader.ts';
import { readBounded } from '../../recording/scan.ts';
import { verifySession } from '../../recording/verify.ts';
import { walkSession } from '../../store/walk.ts';
import { allNeedles, type ChosenExchanges, chooseExchanges, type RedactionRequest, THRESHOLD } from './choose.ts';
import { findUnits, type UnitTest } from './find-units.ts';
import { holds, SHORTEST_VALUE } from './needles.ts';
import { signedTexts } from './signed-texts.ts';
import { unitsOf } from './units.ts';

export interface RedactOptions {
  /** What stands in signed parts is listed instead of refused. */
  leaveSigned?: boolean;
  signal?: AbortSignal;
}

type Role = 'up' | 'down' | 'text' | 'detail';

export interface RedactionReport {
  sessionId: string;
  /** Taken out, by what they were. */
  units: Record<Role, number>;
  bytes: Record<Role, number>;
  /** Findings by entity, where entities were asked for. */
  found: Record<string, number>;
  /** Units that had been taken out before. */
  before: number;
  /** Statements of which something is gone, by index, at most 1,000 of them. */
  statements: { index: number; op: string }[];
  affected: number;
  notUnderstood: number;
  /** Signed digests of requests that are gone. */
  digests: number;
  /** Where something of it is left because it is signed. */
  signed: string[];
}

const MAX_LISTED = 1000;
const MAX_SIGNED = 20;

/**
 * Writes a bundle of a session's folder without what was chosen. The bundle verifies: a unit that is gone
 * leaves its hash, and everything that is signed stays as it is. Throws when the session does not verify,
 * when nothing matches, when a value stands in a signed part too (REDACT_SIGNED, unless it may stay), and
 * when anything of it could still be found (REDACT_INCOMPLETE); no bundle is left then.
 */
export async function redactSession(
  folder: string,
  outFile: string,
  request: RedactionRequest,
  options: RedactOptions = {},
): Promise<RedactionReport> {
  assertRequest(request);
  await assertSound(folder);
  if (fs.existsSync(outFile))
    throw new CountersignError('REDACT_OUT_EXISTS', 'the file for the bundle is there already');
  const signed = inSignedParts(folder, request);
  if (signed.length > 0 && options.leaveSigned !== true) {
    throw new CountersignError(
      'REDACT_SIGNED',
      `what is to be taken out also stands in ${signed.slice(0, MAX_SIGNED).join('; ')}, which is signed and cannot be changed; nothing was written`,
    );
  }
  const chosen = await chooseExchanges(folder, request);
  for (const index of [...request.statements, ...request.results, ...request.parameters]) {
    if (index >= chosen.statements)
      throw new CountersignError('STATEMENT_UNKNOWN', `the session has ${chosen.statements} statements, from 0`);
  }
  const units = unitsToTakeOut(folder, request, chosen);
  if (units.size === 0)
    throw new CountersignError('REDACT_NOTHING', 'nothing of it was found in this session; no bundle was written');
  const parent = fs.mkdtempSync(join(tmpdir(), 'countersign-redact-'));
  try {
    const copy = join(parent, basename(folder));
    fs.cpSync(folder, copy, { recursive: true });
    takeOut(copy, units, options.signal);
    await assertSound(copy);
    await assertGone(copy, request);
    const report = await reportOn(folder, request, chosen, units, signed);
    await writeBundle(copy, outFile);
    return report;
  } finally {
    fs.rmSync(parent, { recursive: true, force: true });
  }
}

async function writeBundle(copy: string, outFile: string): Promise<void> {
  try {
    await exportBundle(copy, outFile, evidenceOf(copy));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') fs.rmSync(outFile, { force: true });
    throw error;
  }
}

/** What ties the session to its organisation stays as it is: nothing of what was recorded is in it. */
function evidenceOf(copy: string): BundleEvidence[] {
  const below = join(copy, 'evidence');
  if (!fs.existsSync(below)) return [];
  return fs
    .readdirSync(below, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ name: relative(copy, path).split(sep).join('/'), bytes: fs.readFileSync(path) }));
}

function assertRequest({ values, ...others }: RedactionRequest): void {
  if (values.length + Object.values(others).reduce((sum, list) => sum + list.length, 0) === 0)
    throw new CountersignError(
      'USAGE',
      'say what to take out: a value, a column, an entity, a statement, a result or parameters',
    );
  if (values.some((value) => value.length < SHORTEST_VALUE)) {
    throw new CountersignError(
      'REDACT_VALUE_SHORT',
      `a value of fewer than ${SHORTEST_VALUE} characters stands everywhere by chance; choose the column, the statement or the parameters instead`,
    );
  }
}

async function assertSound(folder: string): Promise<void> {
  if (!fs.existsSync(join(folder, SUMS_SIGNATURE_NAME)))
    throw new CountersignError('RECORDING_STILL_OPEN', 'this session has not been closed yet: end it, then redact it');
  const { ok, checks } = await verifySession(folder);
  if (ok) return;
  const failed = checks.filter(({ status }) => status === 'failed').map(({ sentence }) => sentence);
  throw new CountersignError(
    'REDACT_NOT_VERIFIED',
    `this session does not verify, so no redacted copy of it would: ${failed.join(' ')}`,
  );
}

function inSignedParts(folder: string, { values, entities }: RedactionRequest): string[] {
  if (values.length === 0 && entities.length === 0) return [];
  const needles = allNeedles(values);
  const scanner = createScanner(entities, THRESHOLD);
  const found = new Set<string>();
  for (const { where, text, whole } of signedTexts(folder)) {
    if (found.size >= MAX_LISTED) break;
    const bytes = Buffer.from(text);
    const held = whole ? values.includes(text) : holds(needles, text);
    if (held || (entities.length > 0 && scanner.scan(bytes, 0, bytes.length) !== null)) found.add(where);
  }
  return [...found];
}

function testOf({ values, entities }: RedactionRequest): UnitTest {
  return { needles: allNeedles(values), scanner: entities.length === 0 ? null : createScanner(entities, THRESHOLD) };
}

function unitsToTakeOut(folder: string, request: RedactionRequest, { up, down, texts }: ChosenExchanges): Set<number> {
  const units = findUnits(folder, testOf(request)).units;
  for (const { unit, role, exchange, operation, bytes } of unitsOf(folder)) {
    if (bytes === null || exchange === null) continue;
    const whole = role === 'up' ? up : role === 'down' ? down : role === 'text' ? texts : null;
    if (whole?.has(exchange) === true || (operation && up.has(exchange))) units.add(unit);
  }
  return units;
}

/** Puts hashes in the place of units in a session's folder. Throws when `signal` is aborted. */
export function takeOut(folder: string, units: ReadonlySet<number>, signal?: AbortSignal): void {
  for (const { path } of numbered(folder, 'units')) {
    if (signal?.aborted) throw new CountersignError('STOPPED', 'stopped; no bundle was written');
    repack(path, units);
  }
}

/** Containers with a unit that goes are packed anew with their salts given: a key would give those of the units that are gone. */
function repack(path: string, units: ReadonlySet<number>): void {
  const bytes = readBounded(path);
  const out: Uint8Array[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const header = parseContainerHeader(bytes, offset);
    const end = offset + CONTAINER_HEADER_BYTES + header.length;
    const indexes = new Set<number>();
    for (let i = 0; i < header.count; i += 1) if (units.has(header.firstUnit + i)) indexes.add(i);
    if (indexes.size === 0) out.push(bytes.subarray(offset, end));
    else {
      const kept = redactUnits(p, openContainer(p, bytes, offset).units, indexes);
      const { raw, at } = layOutContainer(kept, null);
      out.push(sealContainer(p, raw, kept.length, header.firstUnit, at));
    }
    offset = end;
  }
  fs.writeFileSync(path, Buffer.concat(out), { mode: 0o600 });
}

async function assertGone(copy: string, request: RedactionRequest): Promise<void> {
  const left = findUnits(copy, testOf(request)).units.size;
  const again = await chooseExchanges(copy, { ...request, columns: [], statements: [], results: [], parameters: [] });
  if (left + again.up.size + again.down.size + again.texts.size > 0) {
    throw new CountersignError(
      'REDACT_INCOMPLETE',
      'something of it could still be read in the copy, so no bundle was written; choose the statements that hold it as well',
    );
  }
}

async function reportOn(
  folder: string,
  request: RedactionRequest,
  { notUnderstood }: ChosenExchanges,
  units: ReadonlySet<number>,
  signed: string[],
): Promise<RedactionReport> {
  const report: RedactionReport = {
    sessionId: basename(folder),
    units: { up: 0, down: 0, text: 0, detail: 0 },
    bytes: { up: 0, down: 0, text: 0, detail: 0 },
    found: findUnits(folder, testOf(request)).found,
    before: 0,
    statements: [],
    affected: 0,
    notUnderstood,
    digests: 0,
    signed,
  };
  const exchanges = new Set<number>();
  const requests = new Set<number>();
  for (const { unit, role, exchange, bytes } of unitsOf(folder)) {
    if (bytes === null) report.before += 1;
    else if (units.has(unit) && role !== 'map') {
      report.units[role] += 1;
      report.bytes[role] += bytes.length;
      if (exchange !== null && role !== 'text') exchanges.add(exchange);
      if (exchange !== null && role === 'up') requests.add(exchange);
    }
  }
  let index = 0;
  for await (const { exchange, told } of walkSession(recordings, folder, { unfinished: true })) {
    for (const one of told) {
      if (one.type !== 'statement') continue;
      if (exchanges.has(exchange.exchange)) {
        report.affected += 1;
        if (report.statements.length < MAX_LISTED) report.statements.push({ index, op: one.statement.op });
      }
      index += 1;
    }
  }
  report.digests = digestsOf(folder, requests);
  return report;
}

function digestsOf(folder: string, requests: ReadonlySet<number>): number {
  let count = 0;
  for (const logged of logLines(folder)) {
    if (logged?.line.type !== 'statement' || !hasRun(logged.line)) continue;
    const { own } = logged.line;
    if (own.digest !== null && requests.has(own.x)) count += 1;
  }
  return count;
}

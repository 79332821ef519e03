import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Decision } from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import type { RecorderSessionInfo } from '../pipeline/ports.ts';
import { timeOfUlid } from '../sessions/ulid.ts';
import { OPEN_NAME, sessionFolder, sessionsDir } from './files.ts';
import { fromUtf8 } from './format/bytes.ts';
import { type Line, type OpenLine, type OwnStatement, parseLine, type Shape } from './format/lines.ts';
import { parseMaskedColumns } from './format/masked-columns.ts';
import { FormatError } from './format/primitives.ts';
import { UNIT_REDACTED, type Unit } from './format/units.ts';
import { type BoundRun, bindRun, hasRun, lastLine, logLines, ShapeTable } from './log.ts';
import type {
  ReadRange,
  RecordedClose,
  RecordedEvent,
  RecordedExchange,
  RecordedSession,
  RecordedStatement,
  StreamedPiece,
} from './recorded.ts';
import { UnitSource } from './unit-source.ts';

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/** Folders of sessions under `<dir>/sessions`, oldest first (ULIDs sort by time). */
export async function* sessionFolders(dir: string): AsyncGenerator<string> {
  yield* walk(sessionsDir(dir), 0);
}

async function* walk(folder: string, depth: number): AsyncGenerator<string> {
  let entries: fs.Dirent[];
  try {
    entries = await fs.promises.readdir(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (depth > 0 && entries.some((entry) => entry.name === OPEN_NAME)) {
    yield folder;
    return;
  }
  if (depth >= 4) return;
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory()) yield* walk(join(folder, entry.name), depth + 1);
  }
}

/** The folder of one session, or null. Where the id's own time says first, since a team has many folders. */
export async function findSession(dir: string, id: string): Promise<string | null> {
  const openedAt = timeOfUlid(id);
  if (openedAt !== null) {
    const usual = sessionFolder(dir, id, new Date(openedAt).toISOString());
    if (fs.existsSync(join(usual, OPEN_NAME))) return usual;
  }
  for await (const folder of sessionFolders(dir))
    if (folder.endsWith(`/${id}`) || folder.endsWith(`\\${id}`)) return folder;
  return null;
}

/** The open event, from the session's open.json. Throws RECORDING_UNREADABLE. */
export function readOpen(folder: string): OpenLine {
  try {
    const path = join(folder, OPEN_NAME);
    if (fs.statSync(path).size > 70_000) throw new FormatError('it is larger than an event');
    const bytes = fs.readFileSync(path);
    const line = parseLine(bytes.subarray(0, bytes.length - 1));
    if (line.type === 'open' && bytes.at(-1) === 0x0a) return line;
    throw new FormatError('it is not an open event');
  } catch (error) {
    throw new CountersignError('RECORDING_UNREADABLE', `The recording in ${folder} has no readable ${OPEN_NAME}.`, {
      cause: error,
    });
  }
}

/** Who, what, when of one session. Throws RECORDING_UNREADABLE when its open event cannot be read. */
export async function readSession(folder: string): Promise<RecordedSession> {
  const open = readOpen(folder);
  const last = lastLine(folder);
  const close: RecordedClose | null =
    last?.type === 'close' ? { at: last.t, reason: last.reason, counts: last.counts } : null;
  return {
    id: open.sid,
    folder,
    state: last?.type === 'close' ? last.state : 'open',
    info: open.info as unknown as RecorderSessionInfo,
    close,
  };
}

/** What was given to SessionRecorder.event(), in order. Events that cannot be read are left out: verify names them. */
export async function* events(folder: string): AsyncGenerator<RecordedEvent> {
  let source: UnitSource | null = null;
  for (const logged of logLines(folder)) {
    if (logged?.line.type !== 'event') continue;
    const { line } = logged;
    let { detail } = line;
    if (detail === null && line.at !== undefined) {
      source ??= new UnitSource(folder);
      const text = textOf(source.get(...line.at));
      try {
        detail = text === null ? null : (JSON.parse(text) as Record<string, unknown>);
      } catch {
        detail = null;
      }
    }
    yield { seq: line.seq, at: line.t, type: line.name, detail: detail ?? {} };
  }
}

/** Joined text of disclosed units; null when one was redacted or cannot be read. */
function textOf(units: readonly (Unit | null)[]): string | null {
  if (units.some((unit) => unit === null || unit.kind === UNIT_REDACTED)) return null;
  try {
    return fromUtf8(Buffer.concat(units.map((unit) => unit!.bytes)));
  } catch {
    return null;
  }
}

/** Every piece from `fromUnit` to `toUnit` (exclusive) in order, holding one run at a time. */
export async function* pieces(
  folder: string,
  range: { fromUnit?: number; toUnit?: number; exchange?: number } = {},
): AsyncGenerator<StreamedPiece> {
  const { fromUnit = 0, toUnit = Number.POSITIVE_INFINITY } = range;
  const source = new UnitSource(folder);
  for (const logged of logLines(folder)) {
    if (logged === null || !hasRun(logged.line)) continue;
    const { line } = logged;
    if (line.u[0] >= toUnit) return;
    if (line.u[0] + line.u[1] <= fromUnit) continue;
    if (
      range.exchange !== undefined &&
      line.x !== undefined &&
      (range.exchange < line.x[0] || range.exchange > line.x[1])
    )
      continue;
    const run = bindRun(line, source);
    if (run.map === null) continue;
    let unit = run.first;
    for (const entry of run.map) {
      if (entry.kind === 'detail') unit += 1;
      else if (entry.kind === 'up' || entry.kind === 'down') {
        if (unit >= fromUnit && unit < toUnit && (range.exchange === undefined || range.exchange === entry.exchange)) {
          yield { unit, exchange: entry.exchange, direction: entry.kind, ...contentOf(run, unit) };
        }
        unit += 1;
      }
    }
  }
}

function contentOf(run: BoundRun, unit: number): { at: number; bytes: Uint8Array | null } {
  const content = run.units[unit - run.first] ?? null;
  return { at: content?.at ?? 0, bytes: content === null || content.kind === UNIT_REDACTED ? null : content.bytes };
}

/** Exchanges in the order they ended, holding those that run and one run of units at a time. */
export async function* exchanges(folder: string, range: ReadRange = {}): AsyncGenerator<RecordedExchange> {
  const assembler = new Assembler(folder, range);
  for (const logged of logLines(folder, (text) => assembler.wants(text))) {
    if (logged === null) continue;
    yield* assembler.line(logged.line);
    if (assembler.done) return;
  }
  if (range.unfinished !== false) yield* assembler.unfinished();
}

const SHAPES = Buffer.from('"shapes":');

class Assembler {
  private readonly source: UnitSource;
  private readonly shapes = new ShapeTable();
  private readonly running = new Map<number, RecordedExchange>();
  private readonly from: number;
  private readonly to: number;
  private readonly maxBytes: number;
  done = false;

  constructor(folder: string, range: ReadRange) {
    this.source = new UnitSource(folder);
    this.from = range.fromUnit ?? 0;
    this.to = range.toUnit ?? Number.POSITIVE_INFINITY;
    this.maxBytes = range.maxBytes ?? DEFAULT_MAX_BYTES;
  }

  private reached = false;

  /** Before the wanted part only the lines that define shapes are looked at. */
  wants(text: Uint8Array): boolean {
    if (this.reached || this.from === 0) return true;
    const match = /"u":\[(\d+),(\d+)\]/.exec(Buffer.from(text.buffer, text.byteOffset, text.length).toString('latin1'));
    if (match === null) return false;
    this.reached = Number(match[1]) + Number(match[2]) > this.from;
    return this.reached || Buffer.from(text.buffer, text.byteOffset, text.length).includes(SHAPES);
  }

  *line(line: Line): Generator<RecordedExchange> {
    this.shapes.learn(line);
    if (!hasRun(line) || line.u[0] + line.u[1] <= this.from) return;
    if (line.u[0] >= this.to && this.running.size === 0) {
      this.done = true;
      return;
    }
    const run = bindRun(line, this.source);
    if (run.map === null) {
      yield* this.lost(line.x ?? null, line.u[1], run.first);
      return;
    }
    if (line.type === 'statement') this.own(line.own, run);
    const texts = new Map(
      (line.texts ?? []).map(([fingerprint, first, count]) => [fingerprint, [first, count] as const]),
    );
    let unit = run.first;
    for (const entry of run.map) {
      if (entry.kind === 'detail') {
        unit += 1;
        continue;
      }
      const at = unit;
      if (entry.kind === 'up' || entry.kind === 'down') {
        unit += 1;
        if (entry.begins && at >= this.from && at < this.to)
          this.running.set(entry.exchange, begun(entry.exchange, at));
      }
      const building = this.running.get(entry.exchange);
      if (building === undefined) continue;
      if (!run.intact) building.damaged = true;
      if (entry.kind === 'statement') {
        const where = this.shapes.get(entry.shape);
        const text = where === null ? undefined : texts.get(where.fingerprint);
        building.statements.push(
          statementOf(
            entry.exchange,
            where,
            entry.rows,
            entry.extra,
            text === undefined ? null : textOf(this.source.get(...text)),
          ),
        );
        if (where !== null) texts.delete(where.fingerprint);
      } else if (entry.kind === 'end') {
        building.complete = true;
        this.running.delete(entry.exchange);
        this.attachWaiting(building);
        yield building;
      } else {
        this.piece(building, entry.kind, at, run);
      }
    }
    // Cut before its exchange ended.
    const late = this.waitingOwn === null ? undefined : this.running.get(this.waitingOwn.exchange);
    if (late !== undefined) this.attachWaiting(late);
    this.waitingOwn = null;
  }

  private waitingOwn: RecordedStatement | null = null;

  /** The exchange of an own statement may begin in the same run, so it is attached at its end or with the run. */
  private own(own: OwnStatement, run: BoundRun): void {
    const shape = typeof own.shape === 'number' ? this.shapes.get(own.shape) : own.shape;
    const text = own.text === null ? null : textOf(this.source.get(...own.text));
    const statement: RecordedStatement = {
      exchange: own.x,
      ...shapeParts(shape),
      own: true,
      text,
      digest: own.digest,
      rows: own.rows,
      error: own.error,
      heldMs: own.heldMs,
      masked: own.masked,
      maskedColumns: parseMaskedColumns(own.maskedColumns),
      objects: own.objects,
    };
    const running = this.running.get(own.x);
    const beginsHere = run.map?.some((entry) => 'begins' in entry && entry.begins && entry.exchange === own.x) === true;
    if (running !== undefined && !beginsHere) running.statements.push(statement);
    else this.waitingOwn = statement;
  }

  private attachWaiting(building: RecordedExchange): void {
    if (this.waitingOwn?.exchange !== building.exchange) return;
    building.statements.push(this.waitingOwn);
    this.waitingOwn = null;
  }

  private piece(building: RecordedExchange, direction: 'up' | 'down', unit: number, run: BoundRun): void {
    const { at, bytes } = contentOf(run, unit);
    const length = bytes?.length ?? 0;
    if (at > 0) {
      building.startedAt ||= at;
      building.endedAt = Math.max(building.endedAt, at);
    }
    building.lastUnit = unit;
    if (run.units[unit - run.first] === null) building.damaged = true;
    const held = building.bytesUp + building.bytesDown;
    if (direction === 'up') building.bytesUp += length;
    else building.bytesDown += length;
    if (held + length > this.maxBytes) {
      building.truncated = true;
      return;
    }
    // A copy: the container behind it must not live as long as the exchange.
    building[direction].push({ unit, at, bytes: bytes === null ? null : bytes.slice() });
  }

  /** A run that cannot be taken apart: everything that it may have touched is marked. */
  private *lost(x: [number, number] | null, units: number, first: number): Generator<RecordedExchange> {
    if (x === null) return;
    const [low, high] = x;
    for (let exchange = low; exchange <= Math.min(high, low + units); exchange += 1) {
      const building = this.running.get(exchange) ?? begun(exchange, first);
      building.damaged = true;
      this.running.delete(exchange);
      yield building;
    }
  }

  *unfinished(): Generator<RecordedExchange> {
    for (const building of this.running.values()) yield building;
  }
}

const begun = (exchange: number, unit: number): RecordedExchange => ({
  exchange,
  up: [],
  down: [],
  statements: [],
  startedAt: 0,
  endedAt: 0,
  complete: false,
  firstUnit: unit,
  lastUnit: unit,
  truncated: false,
  damaged: false,
  bytesUp: 0,
  bytesDown: 0,
});

const UNKNOWN_DECISION: Decision = {
  effect: 'deny',
  verdict: {
    effect: 'deny',
    policyIds: [],
    policyHash: '',
    reason: 'the line that said how this was decided cannot be read',
    level: 'click',
    expiresSeconds: 1,
    grantable: false,
  },
  approvalId: null,
  grantId: null,
  observed: null,
  decidedBy: null,
  channel: null,
  message: null,
};

function shapeParts(
  shape: Shape | null,
): Pick<RecordedStatement, 'fingerprint' | 'class' | 'op' | 'decision' | 'flags'> {
  if (shape === null) return { fingerprint: '', class: 'unknown', op: '', decision: UNKNOWN_DECISION };
  const { fingerprint, op, decision, flags } = shape;
  return { fingerprint, class: shape.class, op, decision, ...(flags ? { flags } : {}) };
}

function statementOf(
  exchange: number,
  shape: Shape | null,
  rows: number,
  extra: string | null,
  text: string | null,
): RecordedStatement {
  let more: {
    error?: string;
    heldMs?: number;
    masked?: Record<string, number>;
    maskedColumns?: unknown;
    digest?: string;
  } = {};
  try {
    if (extra !== null) more = JSON.parse(extra) as typeof more;
  } catch {
    // The run's digest says whether this was tampered with.
  }
  return {
    exchange,
    ...shapeParts(shape),
    own: false,
    text,
    digest: more.digest ?? null,
    rows,
    error: more.error ?? null,
    heldMs: more.heldMs ?? 0,
    masked: more.masked ?? null,
    maskedColumns: parseMaskedColumns(more.maskedColumns),
    objects: shape?.objects ?? [],
  };
}

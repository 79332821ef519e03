import type { Line } from '../../recording/format/lines.ts';
import { UNIT_REDACTED } from '../../recording/format/units.ts';
import { bindRun, hasRun, logLines, ShapeTable } from '../../recording/log.ts';
import { UnitSource } from '../../recording/unit-source.ts';

/** One unit with what it is of. */
export interface FoundUnit {
  unit: number;
  role: 'up' | 'down' | 'text' | 'detail' | 'map';
  /** null: a map, the detail of an event, or a text that no exchange is known for. */
  exchange: number | null;
  /** The first unit of this exchange. */
  begins: boolean;
  /** For texts and details: the first unit of the same text, so that a long one is looked at as a whole. */
  group: number;
  /** A text that holds the parameters of its exchange as well: what an approval was for. */
  operation: boolean;
  /** null: redacted already. */
  bytes: Uint8Array | null;
}

/** Every unit of a session in order, one run at a time; the session has to verify. */
export function* unitsOf(folder: string): Generator<FoundUnit> {
  const source = new UnitSource(folder);
  const shapes = new ShapeTable();
  let asked: number | null = null;
  for (const logged of logLines(folder)) {
    if (logged === null) continue;
    const { line } = logged;
    shapes.learn(line);
    if (line.type === 'event' && line.name === 'asked') asked = exchangeOf(line.detail);
    if (!hasRun(line)) continue;
    const operation = line.type === 'event' && line.name === 'operation';
    const run = bindRun(line, source);
    const texts = textsOf(line, run.map ?? [], shapes, operation ? asked : null);
    let unit = run.first;
    const content = (of: number): Uint8Array | null => {
      const found = run.units[of - run.first];
      return found == null || found.kind === UNIT_REDACTED ? null : found.bytes;
    };
    for (const entry of run.map ?? []) {
      if (entry.kind === 'up' || entry.kind === 'down') {
        const { kind: role, exchange, begins } = entry;
        yield { unit, role, exchange, begins, group: unit, operation: false, bytes: content(unit) };
        unit += 1;
      } else if (entry.kind === 'detail') {
        const text = texts.find(({ first, count }) => unit >= first && unit < first + count);
        const role = text?.exchange == null ? 'detail' : 'text';
        yield {
          unit,
          role,
          exchange: text?.exchange ?? null,
          begins: false,
          group: text?.first ?? unit,
          operation,
          bytes: content(unit),
        };
        unit += 1;
      }
    }
    yield { unit, role: 'map', exchange: null, begins: false, group: unit, operation: false, bytes: content(unit) };
  }
}

/** Of the `asked` event, which stands before the `operation` that it asks for. */
function exchangeOf(detail: Record<string, unknown> | null): number | null {
  return typeof detail?.exchange === 'number' ? detail.exchange : null;
}

interface Text {
  first: number;
  count: number;
  exchange: number | null;
}

/** Where a line discloses texts, and of which exchange each is. */
function textsOf(
  line: Line,
  map: readonly { kind: string; exchange?: number; shape?: number }[],
  shapes: ShapeTable,
  asked: number | null,
): Text[] {
  const out: Text[] = [];
  if (line.type === 'statement' && line.own.text !== null) {
    const [first, count] = line.own.text;
    out.push({ first, count, exchange: line.own.x });
  }
  if (line.type === 'event' && line.at !== undefined)
    out.push({ first: line.at[0], count: line.at[1], exchange: asked });
  if (hasRun(line)) {
    for (const [fingerprint, first, count] of line.texts ?? []) {
      const used = map.find(
        ({ kind, shape }) =>
          kind === 'statement' && shape !== undefined && shapes.get(shape)?.fingerprint === fingerprint,
      );
      out.push({ first, count, exchange: used?.exchange ?? null });
    }
  }
  return out;
}

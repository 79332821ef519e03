/** What one exchange of a text protocol says beside what was asked, as far as it can be read. */
export interface Outcome {
  /** What the agent was given: output of a command, content of a file, an MCP result. */
  outputs: { name: 'output' | 'content' | 'error' | 'result'; text: string }[];
  ok: boolean | null;
  durationMs: number | null;
  /** Sentences on what was left out of the recording. */
  withheld: string[];
  attachments: string[];
}

const EMPTY: Outcome = { outputs: [], ok: null, durationMs: null, withheld: [], attachments: [] };
const MAX_LISTED = 50;

type Line = Record<string, unknown>;

function parseLines(text: string): Line[] {
  return text.split('\n').flatMap((line) => {
    if (line.trim() === '') return [];
    try {
      const value: unknown = JSON.parse(line);
      return typeof value === 'object' && value !== null && !Array.isArray(value) ? [value as Line] : [];
    } catch {
      // The last line may be cut off.
      return [];
    }
  });
}

const textIn = (line: Line, name: string): string | null => {
  const value = line[name];
  return typeof value === 'string' && value !== '' ? value : null;
};

function withheldOf({ withheld }: Line): { fields: string; bytes: number; rule: string } | null {
  if (typeof withheld !== 'object' || withheld === null) return null;
  const { fields, bytes, rule } = withheld as Line;
  return {
    fields: Array.isArray(fields) ? fields.filter((one) => typeof one === 'string').join(', ') : '',
    bytes: typeof bytes === 'number' ? bytes : 0,
    rule: typeof rule === 'string' ? rule : '',
  };
}

/** @param up what was asked, @param down what came back; JSON lines. What is not understood is left out. */
export function outcomeOf(
  up: string,
  down: string,
  say: (fields: string, bytes: number, rule: string) => string,
): Outcome {
  const asked = parseLines(up);
  const outcome: Outcome = { ...EMPTY, outputs: [], withheld: [], attachments: [] };
  for (const line of asked) {
    const held = withheldOf(line);
    if (held !== null) outcome.withheld.push(say(held.fields, held.bytes, held.rule));
    const { attachments } = line;
    if (Array.isArray(attachments)) {
      outcome.attachments.push(...attachments.filter((one) => typeof one === 'string').slice(0, MAX_LISTED));
    }
  }
  for (const line of parseLines(down)) {
    const held = withheldOf(line);
    if (held !== null) outcome.withheld.push(say(held.fields, held.bytes, held.rule));
    if (line.outcome === 'ok' || line.outcome === 'failed') outcome.ok = line.outcome === 'ok';
    if (typeof line.durationMs === 'number') outcome.durationMs = line.durationMs;
    for (const name of ['output', 'content', 'error'] as const) {
      const text = textIn(line, name);
      if (text !== null && outcome.outputs.length < MAX_LISTED) outcome.outputs.push({ name, text });
    }
    if ('result' in line) outcome.outputs.push({ name: 'result', text: JSON.stringify(line.result, null, 2) });
  }
  return outcome;
}

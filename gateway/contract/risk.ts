import type { Approval } from './decision.ts';

/** Plain facts that make a request worth a second look, and how much they weigh together: for order and wording only. */
export interface Risk {
  score: number;
  /** In words, the heaviest first. */
  facts: string[];
}

export interface RiskSurroundings {
  /** The connection is tagged as production; null: not known. */
  production: boolean | null;
  /** Of the request, in the person's time; null: not known. */
  hour: number | null;
  /** Nothing of its shape was asked before; null: not known. */
  first: boolean | null;
}

const MANY_ROWS = 100;
const SENSITIVE = ['filters-on-tagged', 'copies-tagged', 'output-tagged'];

/** Never a reason to allow anything: nothing but what is shown comes of it. */
export function riskOf(
  { operation, estimatedRows }: Pick<Approval, 'operation' | 'estimatedRows'>,
  { production, hour, first }: RiskSurroundings,
): Risk {
  const { class: kind, flags } = operation.effects;
  const rows = estimatedRows === null ? 0 : Math.round(estimatedRows);
  const all: [weight: number, applies: boolean, fact: string][] = [
    [40, kind === 'destructive' || flags.includes('destructive'), 'it destroys'],
    [30, kind === 'privilege' || kind === 'secret-read', 'it reaches rights or secrets'],
    [25, kind === 'execute' || kind === 'unknown', 'it runs code, or is not understood'],
    [25, production === true, 'production'],
    [20, SENSITIVE.some((flag) => flags.includes(flag)), 'sensitive columns'],
    [rows >= 10_000 ? 25 : 15, rows >= MANY_ROWS, `about ${rows} rows`],
    [10, first === true, 'the first of its shape since the gateway started'],
    [10, hour !== null && (hour < 7 || hour >= 20), 'outside of working hours'],
  ];
  const found = all.filter(([, applies]) => applies).sort(([a], [b]) => b - a);
  return { score: found.reduce((sum, [weight]) => sum + weight, 0), facts: found.map(([, , fact]) => fact) };
}

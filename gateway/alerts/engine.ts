import type { Alert } from '../contract/alert.ts';
import type { RecorderSessionInfo, StatementSummary } from '../pipeline/ports.ts';
import { type CompiledRule, problemOf } from './compile.ts';
import { type AlertEvent, keyOf, UNSTEADY, verdictOfEvent } from './event.ts';
import type { Group, Rule } from './rule.ts';

/** What has been there before. Bounded: what was not seen for longest is forgotten first. */
export interface Seen {
  /** @returns whether it is new; from then on it is not. */
  isNew(rule: string, key: string): boolean;
}

/** A rule that matched. */
export interface Fired {
  rule: Rule;
  /** The event that made it fire. */
  event: AlertEvent;
  count: number;
  /** Microseconds since the epoch. */
  firstAt: number;
  lastAt: number;
  related: readonly string[];
  /** For rules with `first`: what was new. */
  novel: readonly string[];
}

export interface AlertEngine {
  evaluate(event: AlertEvent): Fired[];
  /** An event like it was evaluated in its session, and evaluating this one would change and tell nothing. */
  settled(event: AlertEvent): boolean;
}

const MAX_GROUPS = 2000;
const MAX_TIMES = 100_000;
const MAX_RELATED = 10;
const MAX_MEMO = 2000;
/** Of one session. */
const MAX_SETTLED = 256;
const MINUTE_US = 60_000_000;

/**
 * Looks at events in the order in which they are given. The same events in the same order give the same
 * alerts, whenever that is: time comes from the events. A rule that fails is told once and matches nothing.
 */
export function createAlertEngine(
  rules: readonly CompiledRule[],
  seen: Seen,
  onProblem: (rule: string, sentence: string) => void = () => {},
): AlertEngine {
  const live = rules.filter(({ rule }) => rule.enabled);
  const unsteady = live.filter((one) => one.fields.some((name) => UNSTEADY.has(name)));
  const steady = live.filter((one) => !unsteady.includes(one));
  const fields = [...new Set(steady.flatMap((one) => one.fields))];
  const states = new Map(live.map(({ rule }) => [rule, stateOf(rule, seen)]));
  const told = new Set<string>();
  const watchesTime = live.some((one) => one.fields.includes('at'));
  const settled = new WeakMap<RecorderSessionInfo, Map<string, StatementSummary>>();
  let memo = new Map<string, readonly Rule[]>();

  /** Most events differ from an earlier one in nothing that most rules look at. */
  function matching(event: AlertEvent): readonly Rule[] {
    let key = '';
    for (const name of fields) key += keyOf(name, event);
    let found = memo.get(key);
    if (!found) {
      found = steady.filter((one) => holds(one, event)).map(({ rule }) => rule);
      if (memo.size >= MAX_MEMO) memo = new Map();
      memo.set(key, found);
    }
    const others = unsteady.filter((one) => holds(one, event));
    return others.length === 0 ? found : [...found, ...others.map(({ rule }) => rule)];
  }

  function holds(one: CompiledRule, event: AlertEvent): boolean {
    try {
      return one.matches(event);
    } catch (error) {
      if (!told.has(one.rule.id)) onProblem(one.rule.id, problemOf(error));
      told.add(one.rule.id);
      return false;
    }
  }

  function settle({ session, statement }: AlertEvent): void {
    if (statement === null || watchesTime) return;
    let shapes = settled.get(session);
    if (!shapes) {
      shapes = new Map();
      settled.set(session, shapes);
    }
    if (shapes.size >= MAX_SETTLED) shapes.clear();
    // Without its text, which may be long.
    shapes.set(statement.fingerprint, { ...statement, text: null });
  }

  return {
    evaluate(event) {
      const fired: Fired[] = [];
      const rules = matching(event);
      for (const rule of rules) {
        const one = states.get(rule)!(event);
        if (one) fired.push(one);
      }
      // What `first` has seen is not new again; what counts, or fires each time, has to see each event.
      if (rules.every((rule) => rule.first)) settle(event);
      return fired;
    },
    settled({ session, statement }) {
      const known = statement === null ? undefined : settled.get(session)?.get(statement.fingerprint);
      return known !== undefined && statement !== null && sameToRules(known, statement);
    },
  };
}

/** Lists and decisions are shared by the statements of a shape, so that the same object is the same content. */
function sameToRules(a: StatementSummary, b: StatementSummary): boolean {
  return (
    a.decision === b.decision &&
    a.rows === b.rows &&
    a.error === b.error &&
    a.objects === b.objects &&
    a.flags === b.flags &&
    a.class === b.class &&
    a.op === b.op &&
    a.heldMs === b.heldMs &&
    a.masked === null &&
    b.masked === null
  );
}

type State = (event: AlertEvent) => Fired | null;

function stateOf(rule: Rule, seen: Seen): State {
  if (rule.count) return counting(rule, rule.count);
  if (rule.first) return novelty(rule, rule.first, seen);
  return quiet(rule);
}

const single = (rule: Rule, event: AlertEvent, novel: readonly string[] = []): Fired => {
  const { at } = event;
  return { rule, event, count: 1, firstAt: at, lastAt: at, related: [placeOf(event)], novel };
};

function quiet(rule: Rule): State {
  const last = new Map<string, number>();
  return (event) => {
    const { id } = event.session;
    const before = last.get(id);
    if (before !== undefined && Math.abs(event.at - before) < rule.quietMinutes * MINUTE_US) return null;
    put(last, id, event.at);
    return single(rule, event);
  };
}

function novelty(rule: Rule, first: NonNullable<Rule['first']>, seen: Seen): State {
  return (event) => {
    const group = groupOf(event, first.by);
    const novel = thingsOf(event, first.of).filter((thing) => seen.isNew(rule.id, `${group}\u0000${thing}`));
    return novel.length > 0 ? single(rule, event, novel) : null;
  };
}

interface Window {
  times: number[];
  related: string[];
}

function counting(rule: Rule, { over, minutes, by }: NonNullable<Rule['count']>): State {
  const windows = new Map<string, Window>();
  const span = minutes * MINUTE_US;
  let held = 0;
  return (event) => {
    const group = groupOf(event, by);
    const window = windows.get(group) ?? { times: [], related: [] };
    put(windows, group, window, (gone) => {
      held -= gone.times.length;
    });
    insert(window, event);
    const newest = window.times.at(-1)!;
    const gone = window.times.findIndex((time) => newest - time < span);
    window.times.splice(0, gone);
    window.related.splice(0, gone);
    held += 1 - gone;
    while (held > MAX_TIMES && windows.size > 1) {
      const [oldest, { times }] = windows.entries().next().value!;
      windows.delete(oldest);
      held -= times.length;
    }
    const { times, related } = window;
    if (times.length <= over) return null;
    windows.delete(group);
    held -= times.length;
    const firstAt = times[0]!;
    return {
      rule,
      event,
      count: times.length,
      firstAt,
      lastAt: newest,
      related: related.slice(0, MAX_RELATED),
      novel: [],
    };
  };
}

/** In order of time: statements that were held come later than they began. */
function insert(window: Window, event: AlertEvent): void {
  let at = window.times.length;
  while (at > 0 && window.times[at - 1]! > event.at) at -= 1;
  window.times.splice(at, 0, event.at);
  window.related.splice(at, 0, placeOf(event));
}

/** Moves the key to the end; the one that was not used for longest goes when there are too many. */
function put<V>(map: Map<string, V>, key: string, value: V, onGone: (value: V) => void = () => {}): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= MAX_GROUPS) return;
  const [oldest, gone] = map.entries().next().value!;
  map.delete(oldest);
  onGone(gone);
}

function placeOf({ session, exchange }: AlertEvent): string {
  return `${session.id}/${exchange ?? 'opened'}`;
}

function groupValue({ session }: AlertEvent, group: Group): string {
  switch (group) {
    case 'person':
      return session.identity.subject;
    case 'agent':
      return session.agent.name;
    case 'session':
      return session.id;
    case 'connection':
      return session.connection.id;
    case 'conversation':
      return session.conversationId ?? '';
    case 'application':
      return session.applicationName;
    case 'database':
      return session.database;
  }
}

const groupOf = (event: AlertEvent, groups: readonly Group[]) =>
  groups.map((group) => groupValue(event, group)).join('\u0000');

const MAX_THINGS = 64;

function thingsOf(event: AlertEvent, of: NonNullable<Rule['first']>['of']): readonly string[] {
  if (of === 'object') return (event.statement?.objects ?? []).slice(0, MAX_THINGS);
  const value = of === 'op' ? (event.statement?.op ?? '') : groupValue(event, of);
  return value === '' ? [] : [value];
}

// ---- for people -----------------------------------------------------------------------------

export function toAlert(fired: Fired): Alert {
  const { rule, event, count, related } = fired;
  const { session, exchange } = event;
  return {
    id: `${placeOf(event)}/${rule.id}`,
    rule: { id: rule.id, title: rule.title },
    severity: rule.severity,
    sentence: sentenceOf(fired),
    at: new Date(event.at / 1000).toISOString(),
    sessionId: session.id,
    exchange,
    connectionId: session.connection.id,
    person: session.identity.subject,
    agent: session.agent.name,
    count,
    related: [...related],
    actions: rule.actions,
  };
}

const MAX_NAMED = 5;

function named(things: readonly string[]): string {
  const left = things.length - MAX_NAMED;
  return `${things.slice(0, MAX_NAMED).join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
}

function sentenceOf({ rule, event, count, novel }: Fired): string {
  const { session, statement } = event;
  const who = `${session.agent.name || 'an unknown program'} for ${session.identity.display} on ${session.connection.id}`;
  if (rule.count) return `${rule.title}: ${count} in ${rule.count.minutes} minutes, the last by ${who}.`;
  if (novel.length > 0) return `${rule.title}: ${named(novel)}, by ${who}.`;
  if (!statement) return `${rule.title}: ${who}.`;
  const what = [statement.op, named(statement.objects), verdictOfEvent(event), `${statement.rows} rows`];
  return `${rule.title}: ${what.filter((part) => part !== '').join(', ')}, by ${who}.`;
}

import { isDeepStrictEqual } from 'node:util';
import { CountersignError } from '../../contract/errors.ts';

type Json = Record<string, unknown>;

/** How an agent's file lists hooks: by event directly, or by event in groups with a matcher (as Claude Code has it). */
export type HookShape = 'flat' | 'grouped';

export interface HookTable {
  shape: HookShape;
  /** What has to be in the file besides, where it is not: {version: 1}. */
  top: Readonly<Json>;
  /** Names among the hooks that are no events. */
  settings?: readonly string[];
  /** By event, what the agent is to run. */
  entries: Readonly<Record<string, Json>>;
  /** An entry that Countersign made, whichever its version. */
  isOwn(entry: Json): boolean;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param file for sentences. Throws HOOKS_FILE_BROKEN: what cannot be read is never overwritten. */
export function parseSettings(text: string, file: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF+/, ''));
  } catch {
    throw broken(file, 'is not valid JSON');
  }
  if (!isObject(value)) throw broken(file, 'is not a JSON object');
  return value;
}

/**
 * The settings with Countersign's hooks in them: each once, in the place of an older one, else behind those of
 * other tools, which stay as they are. Throws HOOKS_FILE_BROKEN.
 */
export function withHooks(settings: Json, table: HookTable, file: string): Json {
  const { events: hooks, rest: kept } = hooksOf(settings, table, file);
  const merged: Json = {};
  for (const [event, list] of Object.entries(hooks)) {
    const own = table.entries[event];
    merged[event] = own === undefined ? without(list, table, event, file) : placed(list, own, table, event, file);
  }
  for (const [event, own] of Object.entries(table.entries)) merged[event] ??= [wrapped(own, table)];
  return { ...table.top, ...settings, hooks: { ...kept, ...dropped(merged, hooks) } };
}

/** The settings without them; null when nothing else is in the file. Throws HOOKS_FILE_BROKEN. */
export function withoutHooks(settings: Json, table: HookTable, file: string): Json | null {
  const { events: hooks, rest: others } = hooksOf(settings, table, file);
  const left: Json = {};
  for (const [event, list] of Object.entries(hooks)) left[event] = without(list, table, event, file);
  const kept = { ...others, ...dropped(left, hooks) };
  const { hooks: _, ...rest } = settings;
  const bare = Object.entries(rest).every(([name, value]) => isDeepStrictEqual(table.top[name], value));
  if (Object.keys(kept).length > 0) return { ...settings, hooks: kept };
  return bare ? null : { ...rest, ...(Object.keys(hooks).length === 0 ? { hooks } : {}) };
}

/** Commands of the file by event, with whether they are Countersign's. */
export function listHooks(
  settings: Json,
  table: HookTable,
  file: string,
): { event: string; entry: Json; own: boolean }[] {
  return Object.entries(hooksOf(settings, table, file).events).flatMap(([event, list]) =>
    groups(list, table.shape, event, file).flatMap(({ entries }) =>
      entries.map((entry) => ({ event, entry, own: table.isOwn(entry) })),
    ),
  );
}

function hooksOf(settings: Json, table: HookTable, file: string): { events: Json; rest: Json } {
  if (settings.hooks === undefined) return { events: {}, rest: {} };
  if (!isObject(settings.hooks)) throw broken(file, 'has hooks that are not an object');
  const isRest = (name: string) => table.settings?.includes(name) ?? false;
  const pick = (wanted: boolean) =>
    Object.fromEntries(Object.entries(settings.hooks as Json).filter(([name]) => isRest(name) === wanted));
  return { events: pick(false), rest: pick(true) };
}

interface Group {
  group: Json | null;
  entries: Json[];
}

function groups(list: unknown, shape: HookShape, event: string, file: string): Group[] {
  if (!Array.isArray(list)) throw broken(file, `has hooks of ${event} that are not a list`);
  if (!list.every(isObject)) throw broken(file, `has a hook of ${event} that is not an object`);
  if (shape === 'flat') return list.map((entry) => ({ group: null, entries: [entry] }));
  return list.map((group) => {
    const { hooks } = group;
    if (!Array.isArray(hooks) || !hooks.every(isObject)) throw broken(file, `has a group of ${event} without hooks`);
    return { group, entries: hooks };
  });
}

const joined = (parts: readonly Group[]): Json[] =>
  parts.flatMap(({ group, entries }) =>
    group === null ? entries : entries.length === 0 ? [] : [{ ...group, hooks: entries }],
  );

function without(list: unknown, table: HookTable, event: string, file: string): Json[] {
  const all = groups(list, table.shape, event, file);
  return joined(
    all.map((part) =>
      part.entries.some((entry) => table.isOwn(entry))
        ? { ...part, entries: part.entries.filter((entry) => !table.isOwn(entry)) }
        : part,
    ),
  );
}

const wrapped = (own: Json, { shape }: HookTable): Json => (shape === 'flat' ? own : { hooks: [own] });

/** The first of ours is replaced where it stands, if nothing else shares its group; others go. */
function placed(list: unknown, own: Json, table: HookTable, event: string, file: string): Json[] {
  let done = false;
  const parts = groups(list, table.shape, event, file).map((part): Group => {
    if (!part.entries.some((entry) => table.isOwn(entry))) return part;
    const others = part.entries.filter((entry) => !table.isOwn(entry));
    if (done || others.length > 0) return { ...part, entries: others };
    done = true;
    return { group: part.group === null ? null : {}, entries: [own] };
  });
  return done ? joined(parts) : [...joined(parts), wrapped(own, table)];
}

/** Lists that only Countersign had are gone with its hooks; lists that were empty before stay. */
function dropped(lists: Json, before: Json): Json {
  return Object.fromEntries(
    Object.entries(lists).filter(([event, list]) => {
      const was = before[event];
      return !(Array.isArray(list) && list.length === 0) || (Array.isArray(was) && was.length === 0);
    }),
  );
}

function broken(file: string, what: string): CountersignError {
  return new CountersignError('HOOKS_FILE_BROKEN', `${file} ${what}; repair it, or move it away, and try again`);
}

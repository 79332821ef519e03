import type { CedarRequest } from '../decisions/request.ts';

/** A Cedar string. */
const text = (value: string): string =>
  `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')}"`;
const pattern = (value: string): string => text(value).replaceAll('*', '\\*');
const list = (values: readonly string[]): string => `[${values.map(text).join(', ')}]`;

const strings = (value: unknown): string[] => (Array.isArray(value) ? value.map(String).sort() : []);
const same = (name: string, value: unknown): string =>
  Array.isArray(value)
    ? value.length === 0
      ? `context.${name}.isEmpty()`
      : `context.${name} == ${list(strings(value))}`
    : `context.${name} == ${typeof value === 'boolean' ? value : text(String(value))}`;

/** What has to be the same for operations to be of one rule. */
const ALIKE: Readonly<Record<string, readonly string[]>> = {
  run: [
    'class',
    'fingerprint',
    'flags',
    'functions',
    'writes',
    'reads',
    'filtersOn',
    'database',
    'role',
    'environment',
  ],
  shell: ['class', 'flags', 'programs', 'cwd', 'form', 'hosts'],
  callTool: ['class', 'flags', 'tool', 'agent', 'form', 'readOnly', 'destructive'],
};
/** A value that leaves anything open has to begin so: without it a rule would reach everywhere. */
const OPEN_END = /[/=:-]$/;

/** Operations of one key can be told by one rule; null where none may be made of it. */
export function keyOf({ action, resource, principal, context }: CedarRequest): string | null {
  const names = ALIKE[action.id];
  if (names === undefined || strings(context.secrets).length > 0 || context.form === '') return null;
  return JSON.stringify([principal, action, resource, names.map((name) => context[name])]);
}

/** An argument with more values than this is a mere value; by the others calls are told apart. */
const FEW = 3;

/**
 * Which of the operations of one key belong together: calls whose arguments of few values (a project, a repository)
 * are the same.
 */
export function partOf(requests: readonly CedarRequest[]): (request: CedarRequest) => string {
  const values = new Map<string, Set<string>>();
  for (const { action, context } of requests) {
    if (action.id !== 'callTool') continue;
    for (const one of strings(context.arguments)) {
      const name = one.slice(0, one.indexOf('='));
      const all = values.get(name) ?? new Set();
      values.set(name, all.add(one));
    }
  }
  const telling = new Set([...values].filter(([, all]) => all.size <= FEW).map(([name]) => name));
  return ({ context }) =>
    JSON.stringify(strings(context.arguments).filter((one) => telling.has(one.slice(0, one.indexOf('=')))));
}

/** The narrowest condition that holds for all of them: what is the same stays, values keep what they begin with. */
export function conditionOf(requests: readonly CedarRequest[]): string | null {
  const [first] = requests;
  if (first === undefined) return null;
  const { action, resource, principal, context } = first;
  const parts = [
    `principal == User::${text(principal.id)}`,
    `action == Action::${text(action.id)}`,
    `resource == ${resource.type}::${text(resource.id)}`,
    ...(ALIKE[action.id] ?? []).map((name) => same(name, context[name])),
  ];
  if (action.id === 'callTool') {
    const all = requests.map((one) => strings(one.context.arguments));
    const kept = all[0]!.filter((one) => all.every((other) => other.includes(one)));
    if (kept.length > 0) parts.push(`context.arguments.containsAll(${list(kept)})`);
  }
  if (action.id === 'shell') {
    const like = likeOf(
      requests.map((one) => String(one.context.command)),
      String(context.form),
    );
    if (like === null) return null;
    parts.push(like);
  }
  return parts.join(' &&\n  ');
}

/** `like` over the whole command; each value that differs keeps its beginning up to a slash or the like. */
function likeOf(commands: readonly string[], form: string): string | null {
  const pieces = form.split('…');
  const rows = commands.map((command) => valuesIn(command, pieces));
  if (rows.some((row) => row === null)) return null;
  const values = pieces.slice(1).map((_, i) => {
    const found = rows.map((row) => row![i]!);
    if (found.every((one) => one === found[0])) return pattern(found[0]!).slice(1, -1);
    const begins = commonBeginning(found);
    const cut = begins.replace(/[^/=:-]*$/, '');
    return OPEN_END.test(cut) ? `${pattern(cut).slice(1, -1)}*` : null;
  });
  if (values.includes(null)) return null;
  const whole = pieces.map((piece, i) => pattern(piece).slice(1, -1) + (values[i] ?? '')).join('');
  return `context.command like "${whole}"`;
}

function valuesIn(command: string, pieces: readonly string[]): string[] | null {
  const escaped = pieces.map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const found = new RegExp(`^${escaped.join('(.+)')}$`, 's').exec(command);
  return found === null ? null : found.slice(1);
}

function commonBeginning(texts: readonly string[]): string {
  let begins = texts[0] ?? '';
  for (const one of texts) while (!one.startsWith(begins)) begins = begins.slice(0, -1);
  return begins;
}

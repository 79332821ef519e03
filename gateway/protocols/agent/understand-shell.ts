import type { AgentAction, FileFact } from './events.ts';
import { isInside, workingFolder } from './paths.ts';
import { withoutSecrets } from './secrets.ts';
import {
  bindingsOf,
  bounded,
  boundText,
  type CommandEffects,
  effectsOf,
  factsOf,
  realWorkspaces,
  type Surroundings,
  type Understood,
  workOf,
} from './understand.ts';

/** Scripts may name further scripts; deeper than this they count as not understood. */
const MAX_ROUNDS = 3;
const MAX_SCRIPTS = 64;
const MAX_PATHS = 128;

/** Reads a command, the scripts that it names, and where the files it names really are. */
export async function understandShell(
  action: Extract<AgentAction, { kind: 'shell' }>,
  around: Surroundings,
): Promise<Understood> {
  const { understanding, context, call } = around;
  const cwd = workingFolder(action.cwd, context);
  const place = { cwd, home: call.home };
  const known = new Map<string, FileFact>();
  const readScript = (path: string) => known.get(path)?.text ?? null;
  let found = understanding.command(action.command, place);
  let complete = false;
  for (let round = 0; round < MAX_ROUNDS && !complete; round += 1) {
    const wanted = found.scripts.filter((path) => path.startsWith('/') && !known.has(path)).slice(0, MAX_SCRIPTS);
    const touched = [
      ...found.writes,
      ...found.removes,
      ...found.reads,
      ...(round === 0 ? [...context.workspaces, ...(cwd === null ? [] : [cwd])] : []),
    ];
    const paths = touched.filter((path) => path.startsWith('/') && !known.has(path) && !wanted.includes(path));
    const wishes = [
      ...wanted.map((path) => ({ path, want: 'text' as const })),
      ...[...new Set(paths)].slice(0, MAX_PATHS).map((path) => ({ path, want: 'place' as const })),
    ];
    if (wishes.length === 0) break;
    for (const [path, fact] of await factsOf(wishes, call)) known.set(path, fact);
    complete = wanted.length === 0;
    if (!complete) found = understanding.command(action.command, { ...place, readScript });
  }
  const cleaned = withoutSecrets(action.command);
  // Where it runs, as the system has it.
  const folder = cwd === null ? '' : (known.get(cwd)?.real ?? cwd);
  const flags = new Set(found.flags);
  const words = [...found.words, ...found.unknown.map((why) => `Not understood: ${why}`)];
  const leftOut = found.scripts.filter((path) => !known.has(path));
  if (leftOut.length > 0) flags.add('unknown');
  await judgeLinks(found, known, around, flags, words);
  for (const kind of cleaned.kinds) words.unshift(`Holds what looks like a secret (${kind})`);
  const effects = effectsOf(
    {
      class: worst(found, flags),
      ops: [...new Set(found.programs.map(({ name }) => name))],
      flags: [...flags],
      words,
      // The whole command, so that a grant is for this very command and no other.
      shape: bounded(cleaned.text).trim(),
    },
    understanding,
  );
  if (cleaned.kinds.length > 0) effects.fingerprint = understanding.keyed(action.command.trim()).slice(0, 16);
  const scripts = found.scripts.map((path) => known.get(path) ?? missing(path));
  const { reads, writes, removes, hosts } = found;
  return {
    question: {
      action: 'shell',
      effects,
      secrets: cleaned.kinds,
      ...workOf(context),
      cwd: folder,
      programs: effects.ops,
      reads,
      writes,
      removes,
      hosts,
    },
    operation: {
      tool: action.tool,
      place: folder,
      text: bounded(cleaned.text),
      bindings: bindingsOf([
        ...(cleaned.text === action.command && action.command.length < 200_000
          ? []
          : [['command', boundText(action.command, cleaned.kinds.length > 0, around)] as const]),
        ...scripts.map((fact) => [`file:${fact.path}`, fact.sha256 ?? stateOf(fact)] as const),
      ]),
    },
    record: {
      command: cleaned.text,
      cwd: folder,
      class: effects.class,
      flags: effects.flags,
      scripts: scripts.map(({ path, real, sha256, state }) => ({ path, real, sha256, state })),
      ...(cleaned.kinds.length > 0 ? { secrets: cleaned.kinds } : {}),
    },
    bound: scripts.map(({ path, sha256 }) => ({ path, sha256 })),
    objects: [...new Set([...writes, ...removes, ...reads])].slice(0, 200),
    wishes: () => understanding.wishes(action.command, { ...place, readScript }),
    harmless: effects.class === 'read',
  };
}

/** The word that a terminal compares when it runs the command (approvals/approved-commands.ts). */
const stateOf = ({ state }: FileFact) => (state === 'missing' ? 'absent' : state);

const missing = (path: string): FileFact => ({ path, real: path, sha256: null, text: null, state: 'unreadable' });

/** Where links lead: outside of the workspace, to secrets, or to what watches over the agent. */
async function judgeLinks(
  found: CommandEffects,
  known: ReadonlyMap<string, FileFact>,
  { understanding, context, call }: Surroundings,
  flags: Set<string>,
  words: string[],
): Promise<void> {
  const place = { cwd: null, home: call.home };
  const workspaces = await realWorkspaces(context, known);
  const real = (path: string) => known.get(path)?.real ?? path;
  for (const path of [...found.writes, ...found.removes]) {
    if (!isInside(real(path), workspaces)) flags.add('outside-workspace');
    if (real(path) === path) continue;
    const kind = understanding.writeKind(real(path));
    if (kind === 'guard') {
      flags.add('guard');
      words.unshift(`Touches what watches over the agent: ${path} is ${real(path)}`);
    } else if (kind === 'start-file' || kind === 'credentials') flags.add('start-file');
    else if (kind === 'system' || kind === 'device') flags.add('system-file');
  }
  for (const path of found.reads) {
    if (real(path) === path || !understanding.isSecret(real(path), place)) continue;
    flags.add('secret-read');
    words.unshift(`Reads what holds secrets: ${path} is ${real(path)}`);
  }
}

/** Links may make a command worse than its text says. */
function worst(found: CommandEffects, flags: ReadonlySet<string>): CommandEffects['class'] {
  if (found.class === 'unknown' || flags.has('unknown')) return 'unknown';
  if (flags.has('guard') && ['read', 'write', 'network', 'secret-read', 'destructive'].includes(found.class))
    return 'privilege';
  if (flags.has('secret-read') && ['read', 'write', 'network'].includes(found.class)) return 'secret-read';
  return found.class;
}

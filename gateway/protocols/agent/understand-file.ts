import { contentAfter, countLines, shownChange, shownEdits } from './change.ts';
import type { AgentAction, FileFact } from './events.ts';
import { absolutePath, isInside } from './paths.ts';
import { withoutSecrets } from './secrets.ts';
import { bindingsOf, boundText, effectsOf, factsOf, type Surroundings, type Understood, workOf } from './understand.ts';

/** What has to be known of the file. */
const WANTED = { read: 'place', write: 'text', delete: 'digest' } as const;

type FileAction = Extract<AgentAction, { kind: 'read' | 'write' | 'delete' }>;

interface Place {
  /** As the agent names it, absolute where that can be told. */
  path: string;
  real: string;
  inWorkspace: boolean;
  fact: FileFact | null;
}

export async function understandFile(action: FileAction, around: Surroundings): Promise<Understood> {
  const { context, call } = around;
  const path = absolutePath(action.path, context, call.home);
  const wishes = [
    ...context.workspaces.map((folder) => ({ path: folder, want: 'place' as const })),
    ...(path === null ? [] : [{ path, want: WANTED[action.kind] }]),
  ];
  const facts = await factsOf(wishes, call);
  const fact = path === null ? null : (facts.get(path) ?? null);
  const real = fact?.real ?? path ?? action.path;
  const workspaces = context.workspaces.map((folder) => facts.get(folder)?.real ?? folder);
  const place: Place = { path: path ?? action.path, real, inWorkspace: isInside(real, workspaces), fact };
  return action.kind === 'read'
    ? understandRead(action, place, around)
    : action.kind === 'write'
      ? understandWrite(action, place, around)
      : understandDelete(action, place, around);
}

/** `path` and, where a link leads elsewhere, what it leads to. */
const linked = ({ path, real }: Place): string => (path === real ? path : `${path} (which is ${real})`);

function understandRead(action: Extract<FileAction, { kind: 'read' }>, place: Place, around: Surroundings): Understood {
  const { understanding, context, call } = around;
  const where = { cwd: null, home: call.home };
  const secretFile = [place.path, place.real].some((path) => understanding.isSecret(path, where));
  const content = action.content === null ? null : withoutSecrets(action.content);
  const kinds = content?.kinds ?? [];
  const effects = effectsOf(
    {
      class: secretFile ? 'secret-read' : 'read',
      ops: ['Read'],
      flags: secretFile ? ['secret-read'] : [],
      words: [
        secretFile ? `Reads ${linked(place)}, which holds secrets` : `Reads ${linked(place)}`,
        ...kinds.map((kind) => `What it reads holds what looks like a secret (${kind})`),
      ],
      shape: `Read ${place.real}`,
    },
    understanding,
  );
  return {
    question: {
      action: 'readFile',
      effects,
      secrets: kinds,
      ...workOf(context),
      path: place.real,
      inWorkspace: place.inWorkspace,
    },
    operation: {
      tool: action.tool,
      place: context.workspaces[0] ?? '',
      text: place.path,
      bindings: bindingsOf(place.path === place.real ? [] : [['is', place.real]]),
    },
    record: {
      path: place.path,
      ...(place.path === place.real ? {} : { real: place.real }),
      ...(content === null ? {} : { content: secretFile ? '[SECRET_FILE]' : content.text }),
      ...(kinds.length > 0 ? { secrets: kinds } : {}),
    },
    bound: [],
    objects: [place.real],
    harmless: true,
  };
}

/** Facts of a path that is changed or deleted. */
function changes(place: Place, { understanding }: Surroundings): { flags: string[]; words: string[]; guard: boolean } {
  const kinds = new Set([place.path, place.real].map((path) => understanding.writeKind(path)));
  const flags: string[] = [];
  const words: string[] = [];
  if (kinds.has('guard')) {
    flags.push('guard');
    words.push('Changes what watches over the agent');
  }
  if (kinds.has('start-file')) {
    flags.push('start-file');
    words.push('It is run or obeyed later');
  }
  if (kinds.has('credentials')) {
    flags.push('start-file');
    words.push('Changes who may sign in');
  }
  if (kinds.has('system') || kinds.has('device')) flags.push('system-file');
  if (!place.inWorkspace) {
    flags.push('outside-workspace');
    words.push('Outside of the workspace');
  }
  return { flags, words, guard: kinds.has('guard') };
}

function understandWrite(
  action: Extract<FileAction, { kind: 'write' }>,
  place: Place,
  around: Surroundings,
): Understood {
  const { understanding, context } = around;
  const { fact } = place;
  const there = fact !== null && fact.state === 'file';
  const before = fact?.state === 'missing' ? null : (fact?.text ?? null);
  const readable = fact?.state === 'missing' || before !== null;
  const after = readable || action.change.kind === 'content' ? contentAfter(action.change, before) : null;
  const clean = { before: before === null ? null : withoutSecrets(before), after: withoutSecrets(after ?? '') };
  const given = withoutSecrets(givenText(action.change));
  const old = new Set(clean.before?.values ?? []);
  const fresh = given.values.some((value) => !old.has(value));
  const secrets = fresh ? given.kinds : [];
  const shown =
    after === null
      ? withoutSecrets(
          shownEdits(place.path, action.change.kind === 'content' ? { kind: 'unknown', text: '' } : action.change),
        ).text
      : shownChange(place.path, there && !readable ? '' : (clean.before?.text ?? null), clean.after.text);
  const { added, removed } = countLines(shown);
  const facts = changes(place, around);
  const effects = effectsOf(
    {
      class: facts.guard ? 'privilege' : facts.flags.includes('start-file') ? 'execute' : 'write',
      ops: ['Write'],
      flags: facts.flags,
      words: [
        `${there ? 'Changes' : 'Makes'} ${linked(place)} (${added} new and ${removed} old lines)`,
        ...facts.words,
        ...(after === null ? ['What the file will be cannot be told'] : []),
        ...(there && before === null ? ['What the file is now cannot be shown'] : []),
        ...secrets.map((kind) => `Writes what looks like a secret (${kind})`),
      ],
      shape: `Write ${place.real}`,
    },
    understanding,
  );
  const hasSecret = given.kinds.length > 0 || clean.after.kinds.length > 0;
  return {
    question: {
      action: 'writeFile',
      effects,
      secrets,
      ...workOf(context),
      path: place.real,
      inWorkspace: place.inWorkspace,
    },
    operation: {
      tool: action.tool,
      place: context.workspaces[0] ?? '',
      text: shown,
      bindings: bindingsOf([
        ...(place.path === place.real ? [] : [['is', place.real] as const]),
        ['content', boundText(after ?? givenText(action.change), hasSecret, around)],
        [
          'before',
          fact?.sha256 === null || fact === null ? (fact?.state ?? 'unreadable') : beforeDigest(fact, clean, around),
        ],
      ]),
    },
    record: {
      path: place.path,
      ...(place.path === place.real ? {} : { real: place.real }),
      before: there ? (clean.before?.text ?? null) : null,
      after: after === null ? null : clean.after.text,
      ...(after === null ? { change: shown } : {}),
      ...(given.kinds.length > 0 ? { secrets: given.kinds } : {}),
    },
    wishes: () => [{ kind: 'write', cwd: '/', paths: [{ text: place.path, glob: false }], how: 'changed' }],
    bound: [{ path: place.path, sha256: fact?.sha256 ?? null }],
    objects: [place.real],
    harmless: false,
  };
}

/** A digest in the clear would let a weak secret in the file be guessed from the recording. */
function beforeDigest(
  fact: FileFact,
  clean: { before: { kinds: string[] } | null },
  { understanding }: Surroundings,
): string {
  const hasSecret = (clean.before?.kinds.length ?? 0) > 0;
  return hasSecret ? `keyed ${understanding.keyed(fact.sha256 ?? '')}` : (fact.sha256 ?? '');
}

function givenText(change: Extract<FileAction, { kind: 'write' }>['change']): string {
  return change.kind === 'edits' ? change.edits.map((edit) => edit.after).join('\n') : change.text;
}

function understandDelete(
  action: Extract<FileAction, { kind: 'delete' }>,
  place: Place,
  around: Surroundings,
): Understood {
  const { understanding, context } = around;
  const facts = changes(place, around);
  const effects = effectsOf(
    {
      class: facts.guard ? 'privilege' : 'destructive',
      ops: ['Delete'],
      flags: ['destructive', ...facts.flags],
      words: [`Deletes ${linked(place)}`, ...facts.words],
      shape: `Delete ${place.real}`,
    },
    understanding,
  );
  return {
    question: {
      action: 'deleteFile',
      effects,
      secrets: [],
      ...workOf(context),
      path: place.real,
      inWorkspace: place.inWorkspace,
    },
    operation: {
      tool: action.tool,
      place: context.workspaces[0] ?? '',
      text: place.path,
      bindings: bindingsOf([
        ...(place.path === place.real ? [] : [['is', place.real] as const]),
        ['before', place.fact?.sha256 ?? place.fact?.state ?? 'unreadable'],
      ]),
    },
    record: { path: place.path, ...(place.path === place.real ? {} : { real: place.real }) },
    wishes: () => [{ kind: 'remove', cwd: '/', paths: [{ text: place.path, glob: false }], deep: false, empty: false }],
    bound: [{ path: place.path, sha256: place.fact?.sha256 ?? null }],
    objects: [place.real],
    harmless: false,
  };
}

import { OPERATION_CLASSES } from '../../contract/operation.ts';
import type { AgentAction } from './events.ts';
import { withoutSecrets } from './secrets.ts';
import { bindingsOf, bounded, boundText, effectsOf, type Surroundings, type Understood, workOf } from './understand.ts';
import { understandFile } from './understand-file.ts';

const MAX_FILES = 64;

/** Several files at once count as the worst of them. */
export async function understandPatch(
  action: Extract<AgentAction, { kind: 'patch' }>,
  around: Surroundings,
): Promise<Understood> {
  const { tool, patch } = action;
  const parts: Understood[] = [];
  for (const { path, how, text } of action.files.slice(0, MAX_FILES)) {
    const one: AgentAction =
      how === 'delete'
        ? { kind: 'delete', tool, path }
        : { kind: 'write', tool, path, change: { kind: 'unknown', text } };
    parts.push(await understandFile(one, around));
  }
  const files = parts.flatMap(({ question }) => ('path' in question ? [question] : []));
  const classes = files.map(({ effects }) => OPERATION_CLASSES.indexOf(effects.class));
  const outside = files.find(({ inWorkspace }) => !inWorkspace);
  const cleaned = withoutSecrets(patch);
  const left = action.files.length - parts.length;
  const effects = effectsOf(
    {
      class: OPERATION_CLASSES[Math.max(...classes)] ?? 'unknown',
      ops: ['Patch'],
      flags: [...files.flatMap(({ effects: { flags } }) => flags), ...(left > 0 ? ['guard'] : [])],
      words: [
        ...(left > 0 ? [`Changes ${action.files.length} files, more than can be looked at`] : []),
        ...files.flatMap(({ effects: { words } }) =>
          // What a patch makes of a file is in its own text.
          words
            .filter((word) => !word.startsWith('What the file will be'))
            .map((word) => word.replace(/ \(\d+ new.*\)$/, '')),
        ),
        ...cleaned.kinds.map((kind) => `Writes what looks like a secret (${kind})`),
      ],
      shape: `Patch ${files.map(({ path }) => path).join(' ')}`,
    },
    around.understanding,
  );
  return {
    question: {
      action: files.some((one) => one.action === 'deleteFile') ? 'deleteFile' : 'writeFile',
      effects,
      secrets: cleaned.kinds,
      ...workOf(around.context),
      path: (outside ?? files[0])?.path ?? '',
      inWorkspace: outside === undefined,
    },
    operation: {
      tool,
      place: around.context.workspaces[0] ?? '',
      text: bounded(cleaned.text),
      bindings: bindingsOf([
        ['patch', boundText(patch, cleaned.kinds.length > 0, around)],
        ...parts.flatMap((part) => part.bound.map(({ path, sha256 }) => [`file:${path}`, sha256 ?? 'absent'] as const)),
      ]),
    },
    record: {
      paths: files.map(({ path }) => path),
      change: cleaned.text,
      ...(cleaned.kinds.length > 0 ? { secrets: cleaned.kinds } : {}),
    },
    bound: parts.flatMap(({ bound }) => bound),
    objects: files.map(({ path }) => path),
    harmless: false,
  };
}

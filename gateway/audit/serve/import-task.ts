import * as recordings from '../../recording/reader.ts';
import { auditRules, importedAlerts } from '../alerts.ts';
import type { Books } from '../books.ts';
import { importBundle } from '../import/bundles.ts';
import { type ImportSource, sourceOf } from '../import/sources.ts';
import { type ImportOutcome, importStore } from '../import/store.ts';
import { plural } from '../verify/report.ts';
import { lockWorkspace, openWorkspace, type Workspace } from '../workspace.ts';
import type { TaskContext } from './task-context.ts';
import type { ImportResult, Task } from './tasks.ts';

type ImportTask = Extract<Task, { kind: 'import' }>;

/** What `audit import` does, without its index: that is the server's. */
export async function importInto(task: ImportTask, context: TaskContext): Promise<ImportResult> {
  const workspace = openWorkspace(task.folder);
  const source = sourceOf(task.what, { read: async (id) => task.secrets[id] ?? null });
  const unlock = lockWorkspace(task.folder);
  const books = workspace.books('write');
  try {
    const result =
      source.kind === 'bundles'
        ? await fromBundles(workspace, books, source.files, context)
        : await fromStore(workspace, books, source, task, context);
    const alerts = await alertsIn(workspace, books, new Set(result.touched), context);
    return { ...result, sentences: [...result.sentences, ...alerts] };
  } finally {
    books.close();
    unlock();
  }
}

const MAX_TOLD = 20;

/** What the alert rules say of the sessions that came, as sentences. */
async function alertsIn(
  workspace: Workspace,
  books: Books,
  touched: ReadonlySet<string>,
  { signal, progress }: TaskContext,
): Promise<string[]> {
  if (touched.size === 0) return [];
  const rules = auditRules(workspace);
  const told: string[] = [];
  let found = 0;
  for await (const { severity, sentence } of importedAlerts(workspace, books, recordings, rules, touched, () => {})) {
    if (signal.aborted) break;
    found += 1;
    if (told.length < MAX_TOLD) told.push(`Alert (${severity}): ${sentence}`);
    progress({ sentence: `Looking at the alert rules again: ${plural(found, 'alert')}`, done: found, of: null });
  }
  return found > told.length ? [...told, `And ${found - told.length} more: countersign audit alerts`] : told;
}

async function fromStore(
  workspace: Workspace,
  books: Books,
  source: Extract<ImportSource, { kind: 'store' }>,
  { identities, recheck }: ImportTask,
  { signal, progress }: TaskContext,
): Promise<ImportResult> {
  const store = source.open();
  try {
    const outcome = await importStore(workspace, books, store, {
      identities,
      recheck,
      signal,
      progress: ({ seen, fresh, sessions }) =>
        progress({
          sentence: `${plural(seen, 'object')} seen, ${fresh} new, of ${plural(sessions, 'session')}`,
          done: seen,
          of: null,
        }),
    });
    const { fresh, bytes } = outcome;
    workspace.log.append({ type: 'imported', source: store.description, objects: fresh, bytes });
    const { seen, sessions, stopped } = outcome;
    return { seen, fresh, bytes, sessions, stopped, touched: [...outcome.touched], sentences: sentencesOf(outcome) };
  } finally {
    await store.close();
  }
}

function sentencesOf({ seen, fresh, touched, unusual, foreign, notGiven, deleted, stopped }: ImportOutcome): string[] {
  const notes: [number, string][] = [
    [unusual.unread, 'cannot be read with the keys given; kept as they are'],
    [unusual.torso, 'are not whole; kept as they are'],
    [unusual.changed, 'say otherwise than what was imported before; kept beside it'],
    [unusual.refused, 'are no objects that this program writes; left out'],
    [foreign.length, 'have no name that an object has; left out'],
    [deleted.length, 'were deleted by somebody in the store, which kept what was there'],
    [notGiven.length, 'are listed by the store and not given; the next import asks again'],
  ];
  return [
    `${plural(seen, 'object')} seen, ${fresh} of them new, of ${plural(touched.size, 'session')}.`,
    ...(stopped ? ['It was stopped; the next import goes on.'] : []),
    ...notes.filter(([count]) => count > 0).map(([count, words]) => `${plural(count, 'object')}: ${words}.`),
  ];
}

async function fromBundles(
  workspace: Workspace,
  books: Books,
  files: readonly string[],
  { signal, progress }: TaskContext,
): Promise<ImportResult> {
  const touched = new Set<string>();
  const problems: string[] = [];
  let fresh = 0;
  let seen = 0;
  for (const file of files) {
    if (signal.aborted) break;
    const outcome = await importBundle(workspace, books, file, Date.now);
    seen += 1;
    if (outcome.sid !== null) touched.add(outcome.sid);
    if (outcome.state === 'applied') fresh += 1;
    else if (outcome.state !== 'known') problems.push(outcome.detail);
    progress({ sentence: `${plural(seen, 'bundle')}, ${fresh} new`, done: seen, of: files.length });
  }
  workspace.log.append({ type: 'imported', source: `bundles: ${seen}`, objects: fresh, bytes: 0 });
  const sentences = [`${plural(seen, 'bundle')}, ${fresh} of them new.`, ...problems.slice(0, MAX_TOLD)];
  const stopped = signal.aborted;
  return { seen, fresh, bytes: 0, sessions: touched.size, stopped, touched: [...touched], sentences };
}

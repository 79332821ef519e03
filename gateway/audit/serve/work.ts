import { userInfo } from 'node:os';
import type { z } from 'zod';
import type { AuditExportFormat, AuditJob, AuditRoutes, RedactionChoice } from '../../contract/audit.ts';
import { CountersignError, isCountersignError } from '../../contract/errors.ts';
import type { Verification } from '../../contract/session.ts';
import { isSessionId } from '../../recording/files.ts';
import type { Store } from '../../store/store.ts';
import type { AuditorKeys } from '../auditor-keys.ts';
import { sourceOf } from '../import/sources.ts';
import { plural } from '../verify/report.ts';
import type { Workspace } from '../workspace.ts';
import type { JobContext, Jobs } from './jobs.ts';
import type { MadeFiles } from './made-files.ts';
import { runTask } from './tasks.ts';
import type { Verdicts } from './verdicts.ts';

type Input<N extends keyof AuditRoutes> = z.output<AuditRoutes[N]['input']>;

export interface WorkDeps {
  workspace: Workspace;
  keys: AuditorKeys | null;
  store: Store;
  verdicts: Verdicts;
  jobs: Jobs;
  files: MadeFiles;
  signal: AbortSignal;
  changed(): void;
}

const MAX_PROBLEMS = 20;

/** What a person starts: on a thread of its own, watched as a job. */
export class Work {
  readonly #deps: WorkDeps;
  #verifying: Promise<unknown> = Promise.resolve();

  constructor(deps: WorkDeps) {
    this.#deps = deps;
  }

  import({ what, recheck, secrets }: Input<'startImport'>): AuditJob {
    const { workspace, keys, jobs } = this.#deps;
    // What is no source is said at once.
    sourceOf(what, { read: async () => null });
    return jobs.start('import', what, async (context) => {
      const { folder } = workspace;
      const identities = keys === null ? [] : [keys.identity];
      try {
        const result = await runTask({ kind: 'import', folder, what, recheck, secrets, identities }, context);
        const problems = await this.#index(result.touched, context);
        return { sentences: [...result.sentences, ...problems] };
      } finally {
        if (keys !== null) workspace.log.sign(keys.signer);
        this.#deps.changed();
      }
    });
  }

  /** What cannot be indexed can still be verified. @returns sentences. */
  async #index(sids: readonly string[], { signal, progress }: JobContext): Promise<string[]> {
    const { workspace, store } = this.#deps;
    const problems: string[] = [];
    const books = workspace.books('read');
    const devices = new Map(sids.map((sid) => [sid, books.session(sid)?.device || null]));
    books.close();
    let done = 0;
    for (const [sid, device] of devices) {
      if (signal.aborted) break;
      try {
        await store.indexSession(sid, device);
      } catch (error) {
        if (!isCountersignError(error)) throw error;
        if (problems.length < MAX_PROBLEMS) problems.push(`Session ${sid} is not in the index: ${error.message}.`);
      }
      done += 1;
      progress({ sentence: `Making ${plural(sids.length, 'session')} searchable`, done, of: sids.length });
    }
    return problems;
  }

  /** Brings an index up that an update emptied. */
  rebuildIndex(why: string): void {
    const { workspace, store, jobs } = this.#deps;
    jobs.start('index', why, async ({ signal, progress }) => {
      const books = workspace.books('read');
      const devices = new Map(books.sessions().map(({ sid, device }) => [sid, device]));
      books.close();
      const { sessions, problems } = await store.rebuild({
        devices,
        signal,
        progress: ({ sessions: done, of }) => progress({ sentence: `${done} of ${plural(of, 'session')}`, done, of }),
      });
      this.#deps.changed();
      return { sentences: [`${plural(sessions, 'session')} can be searched.`, ...problems.slice(0, MAX_PROBLEMS)] };
    });
  }

  verify(): AuditJob {
    const { workspace, jobs, verdicts } = this.#deps;
    return jobs.start('verify', 'everything', async (context) => {
      const report = await runTask({ kind: 'verify', folder: workspace.folder, only: {} }, context);
      if (context.signal.aborted) return { sentences: ['It was stopped; what was known before is still shown.'] };
      const { verified, sessions, failed, missing } = report.counts;
      workspace.log.append({ type: 'verified', what: 'everything', ok: report.ok, failed });
      verdicts.put(report);
      this.#deps.changed();
      return {
        sentences: [`${verified} of ${plural(sessions, 'session')} verified, ${failed} failed, ${missing} missing.`],
      };
    });
  }

  /** One session with its device's log, from the organisation's root; one after the other. */
  verifySession(sid: string, device: string | null): Promise<Verification> {
    const run = this.#verifying.then(() => this.#verifySession(sid, device));
    this.#verifying = run.catch(() => {});
    return run;
  }

  async #verifySession(sid: string, device: string | null): Promise<Verification> {
    const { workspace, verdicts, signal } = this.#deps;
    const only = { session: sid, ...(device === null ? {} : { device }) };
    const report = await runTask({ kind: 'verify', folder: workspace.folder, only }, { signal });
    // The console was closed meanwhile: there is nowhere to keep it any more.
    if (signal.aborted) throw new CountersignError('STOPPED', 'It was stopped before this session was verified.');
    const found = report.devices.flatMap(({ sessions }) => sessions).find((session) => session.sid === sid);
    if (found === undefined) {
      throw new CountersignError(
        'AUDIT_NOT_VERIFIED',
        'This session came without proof of its device, so it cannot be verified from the organisation’s root.',
      );
    }
    const log = report.devices.find((one) => one.device === found.device)?.checks ?? [];
    const failed = [...report.checks, ...log].filter(({ status }) => status === 'failed');
    workspace.log.append({ type: 'verified', what: `session ${sid}`, ok: found.ok, failed: found.ok ? 0 : 1 });
    verdicts.putSession(found, report.at);
    const known = found.state === 'closed' || found.state === 'incomplete' ? found.state : 'open';
    // What the device's log or the trust notes fail in is said beside what the session itself fails in.
    const checks = [...found.checks, ...failed.map((check) => ({ ...check, name: `device: ${check.name}` }))];
    return { sessionId: sid, ok: found.ok, state: known, checks, brokenExchanges: found.brokenExchanges };
  }

  redact({ id, choice, leaveSigned, why, preview }: Input<'startRedaction'>): AuditJob {
    const { workspace, jobs, files } = this.#deps;
    // It becomes the name of a file.
    if (!isSessionId(id)) throw new CountersignError('SESSION_UNKNOWN', 'There is no such session here.');
    return jobs.start(preview ? 'preview' : 'redact', id, async (context) => {
      const place = preview ? null : files.place(`${id}-redacted`, 'tar');
      const what = wordsOf(choice);
      workspace.log.append({ type: 'redacted', sid: id, what: preview ? `preview: ${what}` : what, why });
      const { redaction, note } = await runTask(
        { kind: 'redact', folder: workspace.folder, sid: id, choice, leaveSigned, out: place?.path ?? null },
        context,
      );
      const sentences = note === null ? [] : [note];
      if (place === null) return { redaction, sentences };
      this.#deps.changed();
      return { redaction, sentences, file: files.about(place.name) };
    });
  }

  alerts(): AuditJob {
    const { workspace, jobs } = this.#deps;
    return jobs.start('alerts', 'everything', async (context) => {
      workspace.log.append({ type: 'searched', words: 'alerts', found: 0 });
      const { found, problems } = await runTask({ kind: 'alerts', folder: workspace.folder }, context);
      if (context.signal.aborted) return { sentences: ['It was stopped; what was found before is still shown.'] };
      this.#deps.changed();
      return { sentences: [`The rules found ${plural(found, 'alert')}.`, ...problems] };
    });
  }

  export({ sessions, format, statement, texts }: Input<'startExport'>): AuditJob {
    const { workspace, jobs, files } = this.#deps;
    // They become names of files and folders.
    if (!sessions.every(isSessionId)) throw new CountersignError('SESSION_UNKNOWN', 'There is no such session here.');
    if (SINGLE.includes(format) && sessions.length > 1)
      throw new CountersignError('AUDIT_EXPORT_SINGLE', `A file of format ${format} holds one session.`);
    if (format === 'csv' && statement === undefined)
      throw new CountersignError('AUDIT_EXPORT_STATEMENT', 'Say whose result the file is to hold.');
    const what = sessions.length === 1 ? sessions[0]! : plural(sessions.length, 'session');
    return jobs.start('export', `${what} as ${format}`, async (context) => {
      const stem = sessions.length === 1 ? `${what}${statement === undefined ? '' : `-${statement}`}` : 'sessions';
      const { name, path } = files.place(stem, EXTENSIONS[format]);
      for (const sid of sessions) workspace.log.append({ type: 'exported', what: sid, format, to: path });
      const { folder } = workspace;
      const task = {
        kind: 'export' as const,
        folder,
        sids: sessions,
        format,
        statement: statement ?? null,
        texts,
        out: path,
      };
      try {
        const done = await runTask(task, context);
        this.#deps.changed();
        return { file: files.about(name), sentences: [`${plural(done.sessions, 'session')} written.`, ...done.notes] };
      } catch (error) {
        // Half a file would be taken for a whole one.
        files.remove(name);
        throw error;
      }
    });
  }

  report({ form, title, since, until, devices, texts }: Input<'startReport'>): AuditJob {
    const { workspace, jobs, files } = this.#deps;
    const scope = {
      sentence: `Every session that was opened ${range(since, until)}${devices.length > 0 ? ` on ${plural(devices.length, 'device')}` : ''}.`,
      since: since ?? null,
      until: until ?? null,
      devices,
    };
    return jobs.start('report', scope.sentence, async (context) => {
      const { name, path } = files.place(`report-${new Date().toISOString().slice(0, 10)}`, form);
      workspace.log.append({ type: 'exported', what: scope.sentence, format: form, to: path });
      const madeBy = workspace.settings.name || userInfo().username;
      const task = { kind: 'report', folder: workspace.folder, form, title, scope, texts, madeBy, out: path } as const;
      const { sessions, findings } = await runTask(task, context);
      this.#deps.changed();
      const high = findings.filter(({ severity }) => severity === 'high');
      return {
        file: files.about(name),
        sentences: [
          `${plural(sessions, 'session')}, ${plural(findings.length, 'finding')}, ${high.length} of them high.`,
          ...findings.slice(0, MAX_PROBLEMS).map(({ severity, title: finding }) => `${severity}: ${finding}`),
        ],
      };
    });
  }
}

/** What one file of a format is called after its name. */
const EXTENSIONS: Readonly<Record<AuditExportFormat, string>> = {
  jsonl: 'jsonl',
  sql: 'sql',
  csv: 'csv',
  ocsf: 'ocsf.jsonl',
  cef: 'cef.log',
  asciicast: 'cast',
  'asciicast-v2': 'v2.cast',
};
/** Formats of which one file holds one session. */
const SINGLE: readonly AuditExportFormat[] = ['csv', 'asciicast', 'asciicast-v2'];

function range(since: string | undefined, until: string | undefined): string {
  const day = (time: string) => time.slice(0, 16).replace('T', ' ');
  if (since === undefined) return until === undefined ? 'until now' : `until ${day(until)} (UTC)`;
  return until === undefined ? `from ${day(since)} (UTC)` : `from ${day(since)} until ${day(until)} (UTC)`;
}

/** What was chosen, for the auditor's log: never a value. */
function wordsOf({ values, columns, entities, statements, results, parameters }: RedactionChoice): string {
  const places = (name: string, all: readonly unknown[]) => (all.length === 0 ? [] : [`${name} ${all.join(', ')}`]);
  return [
    ...(values.length === 0 ? [] : [plural(values.length, 'value')]),
    ...places(
      'columns',
      columns.map(({ table, column }) => (table === null ? column : `${table}.${column}`)),
    ),
    ...places('entities', entities),
    ...places('statements', statements),
    ...places('results', results),
    ...places('parameters', parameters),
  ]
    .join('; ')
    .slice(0, 1900);
}

import { createHash, createHmac } from 'node:crypto';
import { actionDigest, statementDigest } from '../../gateway/approvals/digest.ts';
import { Connection } from '../../gateway/contract/connection.ts';
import type { Verdict } from '../../gateway/contract/decision.ts';
import type { Identity } from '../../gateway/contract/identity.ts';
import type { Operation } from '../../gateway/contract/operation.ts';
import type { Pipeline } from '../../gateway/pipeline/pipeline.ts';
import { actionRequest, type CedarRequest, runRequest } from '../../gateway/policy/decisions/request.ts';
import type { AgentContext, FileFact, FileWish, HookCall } from '../../gateway/protocols/agent/events.ts';
import type { Understanding } from '../../gateway/protocols/agent/understand.ts';
import { understandCall } from '../../gateway/protocols/agent/understand-call.ts';
import { understandFile } from '../../gateway/protocols/agent/understand-file.ts';
import { understandShell } from '../../gateway/protocols/agent/understand-shell.ts';
import { createClassifier, type LoadedClassifier } from '../../gateway/protocols/postgres/classifier/index.ts';
import { type CommandClassifier, createCommandClassifier } from '../../gateway/protocols/terminal/classifier/index.ts';
import { isSecret, writeKind } from '../../gateway/protocols/terminal/classifier/paths.ts';
import type { WeekOperation } from './operation.ts';

const IDENTITY: Identity = { subject: 'local:dev', display: 'dev', kind: 'local', verified: false, groups: [] };
const AGENT = { pid: null, name: 'cursor', parents: [] };
const NO_CATALOG = { tagByOid: new Map(), relations: [], functions: [], volatileBuiltins: new Set<string>() };
const TAGGED = [{ table: 'customers', column: 'email', entity: 'EMAIL_ADDRESS' }];

/** Where statements go. The password to none of them exists. */
export const CONNECTIONS: readonly Connection[] = [
  ['shop', 'production'] as const,
  ['staging', 'staging'] as const,
  ['analytics', 'production'] as const,
].map(([id, environment]) =>
  Connection.parse({ id, kind: 'postgres', host: 'h', user: 'app', database: id, environment, columns: TAGGED }),
);

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** The gateway's own reading of one operation, as its protocols make it of what comes in. */
export interface Read {
  verdict(pipeline: Pipeline): Verdict;
  operation: Operation;
  request: CedarRequest;
}

export class Reader {
  readonly #statements: LoadedClassifier;
  readonly #understanding: Understanding;

  constructor(statements: LoadedClassifier, commands: CommandClassifier) {
    this.#statements = statements;
    this.#understanding = {
      command: (text: string, context: Parameters<CommandClassifier['classifyCommand']>[1]) =>
        commands.classifyCommand(text, context),
      wishes: () => [],
      isSecret: (path: string, place: { cwd: string | null; home: string }) => isSecret(path, place, false, false),
      writeKind,
      mcpFiles: () => [],
      throughProxy: () => false,
      sha256,
      keyed: (text: string) => createHmac('sha256', 'key').update(text).digest('hex'),
    } as Understanding;
  }

  static async load(): Promise<Reader> {
    const statements = await createClassifier({ sha256, after: () => () => {} });
    return new Reader(statements, await createCommandClassifier());
  }

  close(): Promise<void> {
    return this.#statements.close();
  }

  async read(asked: WeekOperation): Promise<Read> {
    return asked.by === 'sql' ? await this.#statement(asked) : await this.#action(asked);
  }

  async #statement(asked: Extract<WeekOperation, { by: 'sql' }>): Promise<Read> {
    const connection = CONNECTIONS.find(({ id }) => id === asked.connection)!;
    const context = { connection, catalog: NO_CATALOG, prepared: () => null, cursor: () => null };
    const { effects } = await this.#statements.classifyLarge(asked.text, context);
    const bound = {
      sessionId: `${asked.conversation}/${connection.id}`,
      connectionId: connection.id,
      database: connection.database,
      role: connection.user,
      searchPath: 'public',
      text: asked.text,
      parameters: [],
      transaction: 'idle' as const,
    };
    const { database, role } = bound;
    const input = { identity: IDENTITY, agent: AGENT, connection, database, role, effects };
    return {
      verdict: (pipeline) => pipeline.verdict(input),
      request: runRequest(input),
      operation: {
        ...bound,
        protocol: 'postgres',
        identity: IDENTITY,
        agent: AGENT,
        effects,
        digest: statementDigest({ ...bound, subject: IDENTITY.subject }),
      },
    };
  }

  async #action(asked: Exclude<WeekOperation, { by: 'sql' }>): Promise<Read> {
    const understood = await this.#understood(asked);
    const bound = {
      sessionId: `${asked.conversation}/cursor`,
      connectionId: 'cursor',
      protocol: 'agent' as const,
      ...understood.operation,
    };
    const input = { ...understood.question, identity: IDENTITY };
    return {
      verdict: (pipeline) => pipeline.actionVerdict(input),
      request: actionRequest(input),
      operation: {
        ...bound,
        identity: IDENTITY,
        agent: AGENT,
        effects: understood.question.effects,
        digest: actionDigest({ ...bound, subject: IDENTITY.subject }),
      },
    };
  }

  async #understood(asked: Exclude<WeekOperation, { by: 'sql' }>) {
    const around = (workspace: string) => ({
      understanding: this.#understanding,
      context: { ...CONTEXT, conversationId: asked.conversation, workspaces: [workspace] },
      call: CALL,
    });
    switch (asked.by) {
      case 'shell': {
        const { command, cwd } = asked;
        return await understandShell({ kind: 'shell', tool: 'Shell', command, cwd }, around(cwd));
      }
      case 'mcp': {
        const { server, tool, arguments: input } = asked;
        return await understandCall({ kind: 'call', tool, server, input, target: null }, around('/code/shop'));
      }
      case 'file': {
        const { action: kind, path } = asked;
        const workspace = path.startsWith('/code/report/') ? '/code/report' : '/code/shop';
        const facts = { tool: kind, path, content: null, change: { kind: 'content' as const, text: 'x' } };
        return await understandFile({ kind, ...facts }, around(workspace));
      }
    }
  }
}

const CONTEXT: AgentContext = {
  agent: 'cursor',
  version: '1',
  conversationId: '',
  model: 'm',
  workspaces: [],
  cwd: null,
  rewrites: 'any',
};

/** The files of a made-up machine: each is there, and none changes. */
const CALL = {
  files: async (wishes: readonly FileWish[]) => wishes.map(({ path, want }) => factOf(path, want === 'text')),
  deadlineMs: 590_000,
  signal: new AbortController().signal,
  home: '/home/dev',
  pid: 7,
} as HookCall;

function factOf(path: string, withText: boolean): FileFact {
  const folder = path.startsWith('/code/') && path.split('/').length === 3;
  const text = path.endsWith('package.json') ? '{"scripts":{"test":"vitest run","build":"vite build"}}' : `# ${path}\n`;
  return folder
    ? { path, real: path, sha256: null, text: null, state: 'folder' }
    : { path, real: path, sha256: sha256(text), text: withText ? text : null, state: 'file' };
}

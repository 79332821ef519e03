import { isAbsolute } from 'node:path';
import { CountersignError } from '../contract/errors.ts';
import type { HookInput, HookOutput } from '../contract/hooks.ts';
import type { CommandPreview } from '../contract/preview.ts';
import type { Kept } from '../contract/undo.ts';
import type { ControlHandlers } from '../control/handlers.ts';
import type { AgentEngine } from '../protocols/agent/engine.ts';
import type { AgentContext, FileFact, FileWish, HookAnswer, HookLook } from '../protocols/agent/events.ts';
import { adapters } from './index.ts';

/** A client that is asked to look at files answers at once, or is not there any more. */
const FILES_MS = 20_000;
const MAX_CALLS = 512;
/** The contract's limit. */
const MAX_FILES = 400;
const MAX_WISHES = 32;
/** For the way back to the agent. */
const MARGIN_MS = 250;

interface Call {
  /** Answers the client's request that waits now. */
  answer: ((output: HookOutput) => void) | null;
  /** Given what the client found. */
  found: ((files: FileFact[], kept: Kept | null) => void) | null;
  /** Given what a command would touch. */
  preview: ((preview: CommandPreview) => void) | null;
  gone: AbortController;
}

/**
 * The routes that hooks call. One event may take several requests: the gateway answers with files to look at,
 * and the client tells what it found in its next request, which is then the one that waits.
 */
export function createHookHandlers(deps: {
  engine: AgentEngine;
  newTicket(): string;
  schedule(milliseconds: number, run: () => void): () => void;
}): Pick<ControlHandlers, 'hook' | 'hookFiles' | 'hookPreview'> {
  const calls = new Map<string, Call>();

  function waiting(call: Call, ticket: string, signal: AbortSignal): Promise<HookOutput> {
    signal.addEventListener('abort', () => call.answer !== null && call.gone.abort(), { once: true });
    return new Promise((resolve, reject) => {
      call.answer = (output) => {
        call.answer = null;
        resolve(output);
      };
      call.gone.signal.addEventListener(
        'abort',
        () => {
          calls.delete(ticket);
          reject(new CountersignError('HOOK_GONE', 'The hook’s client has gone.'));
        },
        { once: true },
      );
    });
  }

  function ask(call: Call, output: HookOutput): Promise<{ files: FileFact[]; kept: Kept | null }> {
    return new Promise((resolve, reject) => {
      const fail = () => reject(new CountersignError('HOOK_GONE', 'the hook did not tell what is in the files'));
      if (call.answer === null || call.gone.signal.aborted) return fail();
      const stop = deps.schedule(FILES_MS, () => {
        call.found = null;
        fail();
      });
      call.gone.signal.addEventListener('abort', fail, { once: true });
      call.found = (files, kept) => {
        stop();
        call.found = null;
        resolve({ files, kept });
      };
      call.answer(output);
    });
  }

  async function look(call: Call, ticket: string, wishes: readonly FileWish[]): Promise<FileFact[]> {
    const files = wishes.slice(0, MAX_FILES).map(({ path, want }) => ({ path, want }));
    return (await ask(call, { want: { ticket, files } })).files;
  }

  async function further(call: Call, ticket: string, { wishes, how, told }: HookLook): Promise<Kept | null> {
    call.preview = told;
    const plain = wishes.slice(0, MAX_WISHES).map((wish) => ({ ...wish }));
    return (await ask(call, { look: { ticket, wishes: plain, how } })).kept;
  }

  return {
    async hook(input, { signal }) {
      if (calls.size >= MAX_CALLS) throw new CountersignError('HOOKS_FULL', 'too many events of agents wait already');
      const ticket = deps.newTicket();
      const call: Call = { answer: null, found: null, preview: null, gone: new AbortController() };
      calls.set(ticket, call);
      const first = waiting(call, ticket, signal);
      // One look at a time: the client has one request under way.
      const turn = inTurn();
      const { event, context } = adapters[input.agent].read(input.event, input.eventName ?? null);
      void deps.engine
        .handle(event, contextOf(input, context), {
          files: (wishes) => turn(() => look(call, ticket, wishes)),
          look: (wanted) => turn(() => further(call, ticket, wanted)),
          deadlineMs: Math.max(MARGIN_MS, input.timeoutMs - MARGIN_MS),
          signal: call.gone.signal,
          home: input.home,
          pid: input.pid ?? null,
        })
        .then((answer: HookAnswer) =>
          turn(async () => {
            calls.delete(ticket);
            call.answer?.({ answer });
          }),
        );
      return first;
    },

    async hookFiles({ ticket, files, kept }, { signal }) {
      const call = calls.get(ticket);
      const found = call?.found;
      if (!call || !found) throw new CountersignError('HOOK_UNKNOWN', 'Nobody waits for these files.');
      const next = waiting(call, ticket, signal);
      found(files, kept ?? null);
      return next;
    },

    async hookPreview({ ticket, preview }) {
      calls.get(ticket)?.preview?.(preview);
      return {};
    },
  };
}

function inTurn(): <R>(run: () => Promise<R>) => Promise<R> {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const next = last.then(run, run);
    last = next.catch(() => {});
    return next;
  };
}

/** What the hook's environment knows, where the event does not say it. */
function contextOf(input: HookInput, context: Omit<AgentContext, 'agent'>): AgentContext {
  const { workspaces, cwd } = context;
  const known = [input.projectDir ?? null, cwd].filter((path) => path !== null && isAbsolute(path));
  return {
    ...context,
    agent: input.agent,
    rewrites: input.plain ? 'none' : context.rewrites,
    workspaces: workspaces.length > 0 ? workspaces : (known.slice(0, 1) as string[]),
  };
}

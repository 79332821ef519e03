import { createHash, createHmac, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { cursorMcpFiles, throughProxy } from '../agents/cursor/mcp-proxy.ts';
import { createHookHandlers } from '../agents/hook-handlers.ts';
import type { ApprovedCommands } from '../approvals/approved-commands.ts';
import { actionDigest } from '../approvals/digest.ts';
import type { ControlHandlers } from '../control/handlers.ts';
import { createAgentEngine } from '../protocols/agent/engine.ts';
import type { AgentDeps } from '../protocols/agent/ports.ts';
import { createUndoHandlers } from '../protocols/agent/undo/handlers.ts';
import { createUndoStore } from '../protocols/agent/undo/undo-store.ts';
import type { CommandClassifier } from '../protocols/terminal/classifier/index.ts';
import { isSecret, writeKind } from '../protocols/terminal/classifier/paths.ts';
import { commandWishes } from '../protocols/terminal/preview/wishes.ts';
import { timers } from './timers.ts';

const PROGRAM = fileURLToPath(new URL('../bin/countersign.mjs', import.meta.url));

type Given = Omit<AgentDeps, 'digest' | 'schedule' | 'understanding' | 'inTerminal' | 'undo'>;

export interface ServiceAgents {
  handlers: Pick<ControlHandlers, 'hook' | 'hookFiles' | 'hookPreview' | 'undoPlan' | 'undoContents'>;
  close(reason: string): Promise<void>;
}

/** What agents do themselves, as their hooks tell it. */
export function serviceAgents(
  given: Given & {
    classifier: CommandClassifier;
    approved: ApprovedCommands;
    /** Of this gateway, for command lines that have to find it again; null: the machine's protected one. */
    home: string | null;
    /** Whether command lines find it without being told the home. */
    usualHome: boolean;
    isMcpServer(name: string): boolean;
    /** A folder of the gateway's own, for what actions remove or replace. */
    undoDir: string;
  },
): ServiceAgents {
  const { classifier, approved, home, usualHome, isMcpServer } = given;
  const key = randomBytes(32);
  const { schedule } = timers;
  const undo = createUndoStore({ dir: given.undoDir, clock: given.clock, randomBytes });
  const engine = createAgentEngine({
    ...given,
    undo,
    digest: actionDigest,
    schedule,
    understanding: {
      command: (text, context) => classifier.classifyCommand(text, context),
      wishes: (text, context) => commandWishes(classifier, text, context),
      isSecret: (path, place) => isSecret(path, place, false, false),
      writeKind,
      mcpFiles: cursorMcpFiles,
      throughProxy: (server, files) =>
        throughProxy(server, files, {
          node: process.execPath,
          program: PROGRAM,
          home,
          usualHome,
          isRegistered: isMcpServer,
        }),
      sha256: (text) => createHash('sha256').update(text).digest('hex'),
      keyed: (text) => createHmac('sha256', key).update(text).digest('hex'),
    },
    inTerminal(command) {
      if (process.platform === 'win32') return null;
      const own = [process.execPath, PROGRAM, 'exec', '--approved', approved.give(command)];
      const words = [...own, ...(home === null ? [] : ['--home', home]), '-c', command.text];
      return words.map(shellWord).join(' ');
    },
  });
  const handlers = createHookHandlers({ engine, schedule, newTicket: () => randomBytes(16).toString('base64url') });
  return { handlers: { ...handlers, ...createUndoHandlers(undo) }, close: (reason) => engine.close(reason) };
}

/** One word for a POSIX shell. */
function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

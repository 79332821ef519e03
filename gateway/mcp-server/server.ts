import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { isCountersignError } from '../contract/errors.ts';
import type { ControlClient } from '../control/client.ts';
import type { Queries, QueryOutcome } from './queries.ts';

const INSTRUCTIONS =
  'Databases that Countersign guards. Statements are decided by policy, and some wait for a person: then the answer has an id, and wait_for_approval gets the result. Nothing here approves anything. Masked values stay masked.';

/**
 * Countersign's own MCP server: what an agent may do with what is registered. It runs as the agent's user and
 * has no rights of its own; it calls what any program of that user could call. No tool of it decides.
 */
export function createOwnServer(control: Pick<ControlClient, 'call'>, queries: Queries, version: string): McpServer {
  const server = new McpServer({ name: 'countersign', version }, { instructions: INSTRUCTIONS });

  server.registerTool(
    'list_connections',
    {
      title: 'List connections',
      description: 'The databases that can be queried here, and how they are guarded.',
      inputSchema: z.object({}),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    () =>
      said(async () => {
        const { items } = await control.call('connections', {});
        return json(
          items.map(({ id, kind, database, databases, environment, mode, masking, description }) => ({
            id,
            kind,
            database,
            databases,
            environment,
            mode,
            masking,
            description,
          })),
        );
      }),
  );

  server.registerTool(
    'query',
    {
      title: 'Run a statement',
      description:
        'Runs one SQL statement on a connection, in a session of its own. Rows come as text, at most 1,000 of them. When a person has to decide first, the answer says so and has an id for wait_for_approval.',
      inputSchema: z.object({
        connection: z.string().max(63).describe('the id of a connection, from list_connections'),
        sql: z.string().min(1).max(1_000_000).describe('one statement'),
      }),
      annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: false },
    },
    ({ connection, sql }, context) =>
      said(async () => outcome(await queries.run(connection, sql, context.mcpReq.signal))),
  );

  server.registerTool(
    'wait_for_approval',
    {
      title: 'Wait for an approval',
      description: 'The result of a statement that was waiting; waits up to 45 seconds more.',
      inputSchema: z.object({ id: z.string().max(64).describe('the id that the waiting statement gave') }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ id }, context) =>
      said(async () => {
        const found = await queries.wait(id, context.mcpReq.signal);
        return found === null ? refusal(`Nothing waits under the id ${id} here.`) : outcome(found);
      }),
  );

  server.registerTool(
    'explain_denial',
    {
      title: 'Explain a denial',
      description: 'Why a statement was denied, and what can be done about it.',
      inputSchema: z.object({ id: z.string().max(64).describe('the id of the statement') }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ id }) =>
      said(async () => {
        const found = queries.get(id);
        if (found === null) return refusal(`There is no statement ${id} here.`);
        if (found.state !== 'failed') return words(`${id} was not denied: it is ${found.state}.`);
        return words(explained(found.failure));
      }),
  );

  return server;
}

interface Said {
  [key: string]: unknown;
  content: { type: 'text'; text: string }[];
  isError?: boolean;
}

const words = (text: string): Said => ({ content: [{ type: 'text', text }] });
const json = (value: unknown): Said => words(JSON.stringify(value));
const refusal = (text: string): Said => ({ ...words(text), isError: true });

/** What fails is a sentence for the model; a mistake of ours says nothing of itself. */
async function said(work: () => Promise<Said>): Promise<Said> {
  try {
    return await work();
  } catch (error) {
    return refusal(isCountersignError(error) ? error.message : 'Countersign: this did not work; try again.');
  }
}

function outcome(found: QueryOutcome): Said {
  const { id } = found;
  switch (found.state) {
    case 'running':
      return words(
        `The statement has not ended yet; it may be waiting for a person to approve it. Do not send it again: call wait_for_approval with {"id": "${id}"}.`,
      );
    case 'done':
      return json({ id, ...found.result });
    case 'failed': {
      const { code, message, detail, hint } = found.failure;
      return refusal(JSON.stringify({ id, code, message, detail, hint }));
    }
  }
}

function explained({ code, message, detail, hint }: Extract<QueryOutcome, { state: 'failed' }>['failure']): string {
  const parts = [message, detail, hint].filter((part) => part !== null);
  if (code !== '42501') return `It was not denied; it failed (${code ?? 'without a code'}): ${parts.join(' ')}`;
  return `${parts.join(' ')} A person can allow it in the console, or change the policy; an agent cannot. Ask for less, or tell the person what you need and why.`;
}

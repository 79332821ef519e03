import { z } from 'zod';
import { Connection, type ConnectionInput } from '../contract/connection.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Connections } from '../pipeline/ports.ts';
import { readFileIfThere, writeFileAtomic } from './atomic-file.ts';

const MAX_CONNECTIONS = 1000;

const ConnectionsFile = z.strictObject({
  version: z.literal(1),
  connections: z.array(Connection).max(MAX_CONNECTIONS),
});

export interface ConnectionsRegistry extends Connections {
  /** Adds or replaces, on disk before it returns. Throws CONFIG_CHANGED, CONFIG_BROKEN, CONFIG_FULL. */
  put(connection: ConnectionInput): Connection;
  /** @returns false when there was none. Throws CONFIG_CHANGED. */
  remove(id: string): boolean;
  /** Calls back after each change; returns the unsubscription. */
  onChanged(listener: (id: string, connection: Connection | null) => void): () => void;
}

/**
 * The registered connections, in a JSON file without secrets. The file is read once: editing it under a
 * running gateway changes nothing until the next start, and is never overwritten unseen. Throws
 * CONFIG_BROKEN, which names the file and the place, when it cannot be understood.
 */
export function createConnections(options: { file: string }): ConnectionsRegistry {
  const { file } = options;
  const listeners = new Set<(id: string, connection: Connection | null) => void>();
  let text = readFileIfThere(file);
  let connections = new Map(parse(file, text).map((connection) => [connection.id, connection]));

  function save(next: Map<string, Connection>): void {
    if (readFileIfThere(file) !== text) {
      throw new CountersignError(
        'CONFIG_CHANGED',
        `${file} was changed outside of Countersign; nothing was written. Restart the gateway to take those changes, or undo them.`,
      );
    }
    const written = `${JSON.stringify({ version: 1, connections: [...next.values()] }, null, 2)}\n`;
    writeFileAtomic(file, written);
    text = written;
    connections = next;
  }

  function notify(id: string, connection: Connection | null): void {
    for (const listener of [...listeners]) listener(id, connection);
  }

  return {
    get: (id) => connections.get(id) ?? null,
    list: () => [...connections.values()],
    put(input) {
      const parsed = Connection.safeParse(input);
      if (!parsed.success) {
        throw new CountersignError('CONFIG_BROKEN', `The connection is not valid: ${firstProblem(parsed.error)}.`);
      }
      const connection = Object.freeze(parsed.data);
      if (!connections.has(connection.id) && connections.size >= MAX_CONNECTIONS) {
        throw new CountersignError(
          'CONFIG_FULL',
          `There are ${MAX_CONNECTIONS} connections already; remove one first.`,
        );
      }
      save(new Map(connections).set(connection.id, connection));
      notify(connection.id, connection);
      return connection;
    },
    remove(id) {
      if (!connections.has(id)) return false;
      const next = new Map(connections);
      next.delete(id);
      save(next);
      notify(id, null);
      return true;
    },
    onChanged(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function parse(file: string, text: string | null): Connection[] {
  if (text === null) return [];
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CountersignError('CONFIG_BROKEN', `${file} is not JSON: ${(cause as Error).message}.`, { cause });
  }
  const parsed = ConnectionsFile.safeParse(json);
  if (!parsed.success) throw new CountersignError('CONFIG_BROKEN', `${file}: ${firstProblem(parsed.error)}.`);
  const seen = new Set<string>();
  for (const { id } of parsed.data.connections) {
    if (seen.has(id)) throw new CountersignError('CONFIG_BROKEN', `${file}: the connection ${id} is there twice.`);
    seen.add(id);
  }
  return parsed.data.connections.map((connection) => Object.freeze(connection));
}

function firstProblem(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue ? `${issue.path.join('.') || 'the whole'}: ${issue.message}` : 'unknown problem';
}

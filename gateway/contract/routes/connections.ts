import { z } from 'zod';
import { Connection } from '../connection.ts';
import { StoredCredential, StoredId, StoredValues } from '../stored-credential.ts';
import { Id, Nothing, Pin, route } from './route.ts';

export const ConnectionView = Connection.extend({
  hasSecret: z.boolean(),
  openSessions: z.number().int(),
});
export type ConnectionView = z.infer<typeof ConnectionView>;

export const MintedToken = z.object({
  /** Shown once. */
  token: z.string(),
  agentSessionId: z.string(),
  expiresAt: z.string(),
  host: z.string(),
  port: z.number().int(),
  /** Environment for libpq clients: PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE. */
  env: z.record(z.string(), z.string()),
  /** A command to paste. */
  command: z.string(),
});
export type MintedToken = z.infer<typeof MintedToken>;

export const connectionsRoutes = {
  connections: route('GET', '/api/connections', 'session', Nothing, z.object({ items: z.array(ConnectionView) })),
  /** Adds or replaces; a decision like any other, so it needs the PIN. `secret` is the password. */
  putConnection: route(
    'PUT',
    '/api/connections/:id',
    'session',
    z.object({ id: Id, connection: Connection, secret: z.string().max(4096).optional(), pin: Pin }),
    ConnectionView,
  ),
  deleteConnection: route('POST', '/api/connections/:id/delete', 'session', z.object({ id: Id, pin: Pin }), Nothing),
  testConnection: route(
    'POST',
    '/api/connections/:id/test',
    'session',
    z.object({ id: Id }),
    z.object({ ok: z.boolean(), sentence: z.string(), serverVersion: z.string().nullable(), milliseconds: z.number() }),
  ),
  mintToken: route(
    'POST',
    '/api/connections/:id/token',
    'session',
    z.object({ id: Id, purpose: z.string().max(200).default('') }),
    MintedToken,
  ),
  revokeToken: route('DELETE', '/api/agent-sessions/:id', 'session', z.object({ id: Id }), Nothing),
  /** Credentials that the vault keeps for protocols that the gateway does not speak yet; never what they are. */
  storedCredentials: route(
    'GET',
    '/api/stored-credentials',
    'session',
    Nothing,
    z.object({ items: z.array(StoredCredential) }),
  ),
  /** Adds or replaces. */
  storeCredential: route(
    'PUT',
    '/api/stored-credentials/:id',
    'session',
    z.object({
      id: StoredId,
      credential: StoredCredential.omit({ id: true, keptAt: true }),
      values: StoredValues,
      pin: Pin,
    }),
    StoredCredential,
  ),
  forgetStoredCredential: route(
    'POST',
    '/api/stored-credentials/:id/forget',
    'session',
    z.object({ id: StoredId, pin: Pin }),
    Nothing,
  ),
} as const;

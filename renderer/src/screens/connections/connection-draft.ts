import { type ColumnTag, Connection, DetectorConfig } from '../../../../gateway/contract/connection.ts';
import type { ConnectionView } from '../../../../gateway/contract/routes/connections.ts';

/** The form's fields as they are typed; `toConnection` checks them against the contract. */
export interface Draft {
  id: string;
  host: string;
  port: string;
  database: string;
  databases: string;
  user: string;
  environment: Connection['environment'];
  description: string;
  tlsMode: Connection['tls']['mode'];
  caFile: string;
  serverName: string;
  mode: Connection['mode'];
  masking: Connection['masking'];
  columns: readonly DraftTag[];
  certFile: string;
  keyFile: string;
  direct: boolean;
  sync: Connection['sync'];
  /** Levels by group; set by the command line. */
  access: Connection['access'];
  detectors: Connection['detectors'];
}
export interface DraftTag extends ColumnTag {
  /** Identity of the row in the form. */
  key: number;
}

export const EMPTY: Draft = {
  id: '',
  host: '',
  port: '5432',
  database: '',
  databases: '',
  user: '',
  environment: 'production',
  description: '',
  tlsMode: 'verify-full',
  caFile: '',
  serverName: '',
  mode: 'enforce',
  masking: 'on',
  columns: [],
  certFile: '',
  keyFile: '',
  direct: false,
  sync: 'all',
  access: undefined,
  detectors: DetectorConfig.parse({}),
};

export function toDraft(connection: ConnectionView): Draft {
  return {
    id: connection.id,
    host: connection.host,
    port: String(connection.port),
    database: connection.database,
    databases: connection.databases.join(', '),
    user: connection.user,
    environment: connection.environment,
    description: connection.description,
    tlsMode: connection.tls.mode,
    caFile: connection.tls.caFile ?? '',
    serverName: connection.tls.serverName ?? '',
    mode: connection.mode,
    masking: connection.masking,
    columns: connection.columns.map((tag, key) => ({ ...tag, key })),
    certFile: connection.tls.certFile ?? '',
    keyFile: connection.tls.keyFile ?? '',
    direct: connection.tls.direct,
    sync: connection.sync,
    access: connection.access,
    detectors: connection.detectors,
  };
}

export type Checked =
  | { ok: true; connection: Connection }
  /** Sentences by field; the fields of a column tag are `columns.<n>.<name>`. */
  | { ok: false; errors: Readonly<Record<string, string>> };

const optional = (text: string) => (text.trim() === '' ? undefined : text.trim());

/** What the form does not show is kept from `before`. */
export function toConnection(draft: Draft, before: ConnectionView | null): Checked {
  const parsed = Connection.safeParse({
    ...before,
    id: draft.id.trim(),
    kind: 'postgres',
    host: draft.host.trim(),
    port: Number(draft.port),
    database: draft.database.trim(),
    databases: draft.databases
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
    user: draft.user.trim(),
    environment: draft.environment,
    description: draft.description.trim(),
    tls: {
      ...before?.tls,
      mode: draft.tlsMode,
      caFile: optional(draft.caFile),
      serverName: optional(draft.serverName),
      certFile: optional(draft.certFile),
      keyFile: optional(draft.keyFile),
      direct: draft.direct,
    },
    mode: draft.mode,
    masking: draft.masking,
    sync: draft.sync,
    ...(draft.access === undefined ? {} : { access: draft.access }),
    detectors: draft.detectors,
    columns: draft.columns.map(({ key: _, ...tag }) => tag),
  });
  if (parsed.success) return { ok: true, connection: parsed.data };
  const errors: Record<string, string> = {};
  for (const issue of parsed.error.issues) errors[issue.path.join('.')] ??= issue.message;
  return { ok: false, errors };
}

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Decision } from '../contract/decision.ts';
import type { RecorderSessionInfo, StatementSummary } from '../pipeline/ports.ts';
import { exchanges, sessionFolders } from './reader.ts';
import type { ReadRange, RecordedExchange } from './recorded.ts';

export function temporaryFolder(name: string): string {
  return fs.mkdtempSync(join(tmpdir(), `countersign-${name}-`));
}

export const sessionInfo = (id: string): RecorderSessionInfo => ({
  id,
  openedAt: '2026-03-04T05:06:07.000Z',
  identity: { subject: 'ada', display: 'Ada', kind: 'local', verified: false, groups: ['team'] },
  agent: { pid: 4711, name: 'psql', parents: [{ pid: 1, name: 'init' }] },
  connection: { id: 'demo', kind: 'postgres', host: '127.0.0.1', port: 5432, mode: 'enforce', masking: 'on' },
  database: 'shop',
  user: 'app',
  applicationName: 'psql',
  conversationId: null,
  policyHash: 'ab'.repeat(32),
  protection: 'unprotected',
});

export const decision = (overrides: Partial<Decision> = {}): Decision => ({
  effect: 'allow',
  verdict: {
    effect: 'allow',
    policyIds: ['reads'],
    policyHash: 'ab'.repeat(32),
    reason: 'Reads are allowed.',
    level: 'click',
    expiresSeconds: 600,
    grantable: false,
  },
  approvalId: null,
  grantId: null,
  observed: null,
  decidedBy: null,
  channel: null,
  message: null,
  ...overrides,
});

const ALLOWED = decision();

export const statement = (overrides: Partial<StatementSummary> = {}): StatementSummary => ({
  fingerprint: '0123456789abcdef',
  class: 'read',
  op: 'SELECT',
  decision: ALLOWED,
  own: false,
  text: null,
  digest: null,
  rows: 1,
  error: null,
  heldMs: 0,
  masked: null,
  objects: [],
  ...overrides,
});

/** A ULID-like id. */
export const sessionId = (n: number): string => `01JTEST${String(n).padStart(19, '0')}`;

export async function allExchanges(folder: string, range: ReadRange = {}): Promise<RecordedExchange[]> {
  const out: RecordedExchange[] = [];
  for await (const exchange of exchanges(folder, range)) out.push(exchange);
  return out;
}

export async function allFolders(dir: string): Promise<string[]> {
  const out: string[] = [];
  for await (const folder of sessionFolders(dir)) out.push(folder);
  return out;
}

export const text = (pieces: readonly { bytes: Uint8Array | null }[]): string =>
  pieces.map((piece) => (piece.bytes === null ? '?' : Buffer.from(piece.bytes).toString())).join('');

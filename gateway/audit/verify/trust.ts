import * as fs from 'node:fs';
import { type Trust, verifyTrust } from '../../evidence/trust/verify-trust.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import type { Books } from '../books.ts';
import type { Workspace } from '../workspace.ts';
import { type AuditCheck, checkOf, plural } from './report.ts';

export const trustOf = (workspace: Workspace, books: Books, at: string): Trust =>
  verifyTrustNotes(workspace, books, at).trust;

/** Every trust note that ever came, those that say otherwise under a name too. */
export function verifyTrustNotes(workspace: Workspace, books: Books, at: string): { trust: Trust; check: AuditCheck } {
  const { org, root } = workspace.settings;
  const prefix = `${org}/trust/`;
  const folder = workspace.kept(prefix);
  const kept = (fs.existsSync(folder) ? fs.readdirSync(folder) : []).filter((name) => name.endsWith('.note')).sort();
  const others = books.byState('changed', prefix);
  const files = [
    ...kept.map((name) => `${folder}/${name}`),
    ...others.map((object) => workspace.changed(object.name, object.sha256)).filter(fs.existsSync),
  ];
  const trust = verifyTrust(p, root, bytesOf(files), at);
  const problems = [
    ...trust.problems.map(({ sentence }) => sentence),
    ...others.map(({ name, detail }) => `${name.slice(org.length + 1)} was replaced: ${detail}`),
    ...books
      .vanished(prefix)
      .map(({ name }) => `the store has lost ${name.slice(org.length + 1)}, which it had before`),
  ];
  const fine = `${plural(trust.history.length, 'trust note')} of ${org}, each signed by the root and naming the one before; number ${trust.note?.n ?? 0} counts.`;
  return { trust, check: checkOf('trust notes', problems, fine) };
}

/** One at a time: a store that somebody fills with notes fills no memory before they are counted. */
function* bytesOf(files: readonly string[]): Generator<Uint8Array> {
  for (const file of files) yield fs.readFileSync(file);
}

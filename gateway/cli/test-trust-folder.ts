import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TrustNote } from '../evidence/format/documents.ts';
import { readNotes } from '../evidence/trust/trust-folder.ts';
import { type Trust, verifyTrust } from '../evidence/trust/verify-trust.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { runCommand } from './test-cli.ts';

export const PASSPHRASE = 'a passphrase for tests';
/** The days before and after today. */
export const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();

/** An organisation made by `trust init`, in a temporary folder. */
export interface TestFolder {
  rootVkey: string;
  folder: string;
  /** A file with the passphrase. */
  secret: string;
  /** A path beside the trust folder; with content, a file there. */
  at(name: string, content?: string): string;
  /** Runs a command that makes the next note, without questions. */
  next(...args: string[]): ReturnType<typeof runCommand>;
  /** As an auditor sees it. */
  trust(): Trust;
  state(): TrustNote;
  remove(): void;
}

export async function createTrustFolder(): Promise<TestFolder> {
  const work = mkdtempSync(join(tmpdir(), 'countersign-trust-'));
  const folder = join(work, 'trust');
  const secret = join(work, 'passphrase');
  writeFileSync(secret, `${PASSPHRASE}\n`, { mode: 0o600 });
  const made = await runCommand(['trust', 'init', 'acme', '--trust', folder], { typed: [PASSPHRASE, PASSPHRASE] });
  const trust = () => verifyTrust(p, made.out, readNotes(folder), new Date().toISOString());
  return {
    rootVkey: made.out,
    folder,
    secret,
    at(name, content) {
      const file = join(work, name);
      if (content !== undefined) writeFileSync(file, content);
      return file;
    },
    next: (...args) => runCommand(['trust', ...args, '--trust', folder, '--passphrase-file', secret, '--yes']),
    trust,
    state: () => trust().note!,
    remove: () => rmSync(work, { recursive: true, force: true }),
  };
}

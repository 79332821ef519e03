import * as fs from 'node:fs';
import { join } from 'node:path';
import { type ImportOptions, type ImportOutcome, importStore } from './import/store.ts';
import { memoryStore, type Objects } from './test-organisation.ts';
import type { AuditReport } from './verify/report.ts';
import { type AuditVerifyOptions, verifyWorkspace } from './verify/verify.ts';
import { createWorkspace, openWorkspace, type Workspace } from './workspace.ts';

/** Workspaces for one root; the slow work of making keys is done once. */
export class TestWorkspaces {
  private readonly dir: string;
  private count = 0;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async make(dir: string, root: string): Promise<TestWorkspaces> {
    await createWorkspace(join(dir, 'template'), { root, name: 'eve', passphrase: 'passphrase' });
    return new TestWorkspaces(dir);
  }

  next(): Workspace {
    const folder = join(this.dir, `workspace-${this.count++}`);
    fs.cpSync(join(this.dir, 'template'), folder, { recursive: true });
    return openWorkspace(folder);
  }
}

export async function take(
  workspace: Workspace,
  objects: Objects,
  now: number,
  options: Partial<ImportOptions> = {},
): Promise<ImportOutcome> {
  const books = workspace.books('write');
  try {
    const signal = new AbortController().signal;
    return await importStore(workspace, books, memoryStore(objects), {
      identities: [],
      signal,
      now: () => now,
      ...options,
    });
  } finally {
    books.close();
  }
}

export async function report(
  workspace: Workspace,
  now: number,
  options: AuditVerifyOptions = {},
): Promise<AuditReport> {
  const books = workspace.books('read');
  try {
    return await verifyWorkspace(workspace, books, { now: () => now, ...options });
  } finally {
    books.close();
  }
}

/** `name: sentence` of every check that failed. */
export const failures = ({ checks, devices }: AuditReport): string[] =>
  [...checks, ...devices.flatMap((device) => [...device.checks, ...device.sessions.flatMap((one) => one.checks)])]
    .filter(({ status }) => status === 'failed')
    .map(({ name, sentence }) => `${name}: ${sentence}`);

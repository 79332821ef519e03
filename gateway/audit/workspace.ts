import * as fs from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { writeFileAtomic } from '../config/atomic-file.ts';
import { CountersignError } from '../contract/errors.ts';
import { OrgName } from '../evidence/format/documents.ts';
import { parseVkey } from '../evidence/format/vkey.ts';
import { FormatError } from '../recording/format/primitives.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { AuditLog } from './audit-log.ts';
import { type AuditorKeys, makeKeys, openKeys } from './auditor-keys.ts';
import { Books } from './books.ts';
import { assertMay } from './role.ts';

const Settings = z.object({
  v: z.literal(1),
  org: OrgName,
  /** The organisation's root as a C2SP vkey: all that verification starts from. */
  root: z.string().max(512),
  /** Of the auditor. */
  name: z.string().max(128),
  recipient: z.string().max(5000),
  vkey: z.string().max(512),
});
export type WorkspaceSettings = z.infer<typeof Settings>;

const Heads = z.record(
  z.string(),
  z.object({
    size: z.number().int(),
    /** base64 */
    root: z.string(),
    seen: z.string(),
    checkpoint: z.string(),
  }),
);
/** The last verified head of each device, by `<device>`: what came later must hold it. */
export type Heads = z.infer<typeof Heads>;

/**
 * An auditor's folder (0700):
 *
 *     workspace.json    whose root, and the auditor's public keys
 *     identity.age, signing-key.pem    the auditor's keys, encrypted with a passphrase
 *     books.db          every object that was imported: from where, its hash, when first seen
 *     heads.json        the last head of each device
 *     kept/<name>       trust notes, identities and logs, as the store had them
 *     unread/<name>     what could not be opened: encrypted to others, or torn
 *     changed/<name>~<hash>   other contents that came under a name
 *     recordings/sessions/YYYY/MM/DD/<session>/   as gateway/recording/SPEC.md has it
 *     index.db          the index over them (gateway/store)
 *     log/              what was done here, by whom
 */
export interface Workspace {
  readonly folder: string;
  readonly settings: WorkspaceSettings;
  readonly recordingsDir: string;
  readonly indexFile: string;
  readonly log: AuditLog;
  /** Throws AUDIT_EMPTY when there is nothing to read yet. */
  books(mode: 'read' | 'write'): Books;
  /** Where an object of the store lies. `name` is one that parseObjectName knows. */
  kept(name: string): string;
  unread(name: string): string;
  changed(name: string, sha256: Uint8Array): string;
  heads(): Heads;
  putHeads(heads: Heads): void;
  /** Throws AUDIT_PASSPHRASE. */
  unlock(passphrase: string): Promise<AuditorKeys>;
}

const SETTINGS = 'workspace.json';
/** Where a bundle is unpacked while it is imported. */
export const UNPACKING = 'unpacking-';
const IDENTITY = 'identity.age';
const SIGNING_KEY = 'signing-key.pem';

export interface NewWorkspace {
  /** vkey of the organisation's root, from a source that the auditor trusts. */
  root: string;
  name: string;
  passphrase: string;
  now?: () => number;
}

/** Throws AUDIT_ROOT_UNKNOWN for what is no root's vkey, AUDIT_EXISTS when there is a workspace. */
export async function createWorkspace(
  folder: string,
  { root, name, passphrase, now }: NewWorkspace,
): Promise<Workspace> {
  const org = orgOfRoot(root);
  if (fs.existsSync(join(folder, SETTINGS))) {
    throw new CountersignError('AUDIT_EXISTS', `${folder} is an auditor's workspace already`);
  }
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  fs.chmodSync(folder, 0o700);
  const { identity, signingKey, recipient, vkey } = await makeKeys(name, passphrase);
  writeFileAtomic(join(folder, IDENTITY), identity);
  writeFileAtomic(join(folder, SIGNING_KEY), signingKey);
  const settings: WorkspaceSettings = { v: 1, org, root, name, recipient, vkey };
  writeFileAtomic(join(folder, SETTINGS), `${JSON.stringify(settings, null, 2)}\n`);
  const workspace = openWorkspace(folder, now);
  workspace.log.append({ type: 'workspace', org, root, vkey, name });
  return workspace;
}

const ROOT_NAME = /^countersign\/org\/([a-z0-9][a-z0-9-]{0,62})$/;

function orgOfRoot(root: string): string {
  try {
    const org = ROOT_NAME.exec(parseVkey(p.sha256, root).name)?.[1];
    if (org !== undefined) return org;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new CountersignError('AUDIT_ROOT_UNKNOWN', `this is no key of an organisation: ${error.message}`);
  }
  throw new CountersignError(
    'AUDIT_ROOT_UNKNOWN',
    'this is not the key of an organisation: its name begins with countersign/org/',
  );
}

/** Throws AUDIT_NO_WORKSPACE. */
export function openWorkspace(folder: string, now: () => number = Date.now): Workspace {
  let settings: WorkspaceSettings;
  try {
    settings = Settings.parse(JSON.parse(fs.readFileSync(join(folder, SETTINGS), 'utf8')));
  } catch (cause) {
    throw new CountersignError(
      'AUDIT_NO_WORKSPACE',
      `${folder} is no auditor's workspace; make one with: countersign audit init --root KEY --workspace DIR`,
      { cause },
    );
  }
  const { org, root, recipient } = settings;
  const trustFolder = join(folder, 'kept', org, 'trust');
  const log = new AuditLog(join(folder, 'log'), now, (type) =>
    assertMay(type, { trustFolder, root, recipient, now: now() }),
  );
  const headsFile = join(folder, 'heads.json');
  return {
    folder,
    settings,
    recordingsDir: join(folder, 'recordings'),
    indexFile: join(folder, 'index.db'),
    log,
    books: (mode) => new Books(join(folder, 'books.db'), mode),
    kept: (name) => join(folder, 'kept', name),
    unread: (name) => join(folder, 'unread', name),
    changed: (name, sha256) => join(folder, 'changed', `${name}~${Buffer.from(sha256).toString('hex').slice(0, 12)}`),
    heads: () => (fs.existsSync(headsFile) ? Heads.parse(JSON.parse(fs.readFileSync(headsFile, 'utf8'))) : {}),
    putHeads: (heads) => writeFileAtomic(headsFile, `${JSON.stringify(heads, null, 2)}\n`),
    unlock: (passphrase) =>
      openKeys(
        {
          identity: fs.readFileSync(join(folder, IDENTITY), 'utf8'),
          signingKey: fs.readFileSync(join(folder, SIGNING_KEY), 'utf8'),
        },
        settings.name,
        passphrase,
      ),
  };
}

/**
 * One import at a time. The lock ends with the process, however that ends.
 *
 * @returns the function that gives it back. Throws AUDIT_BUSY.
 */
export function lockWorkspace(folder: string): () => void {
  const database = new Database(join(folder, 'lock'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if ((cause as { code?: string }).code !== 'SQLITE_BUSY') throw cause;
    throw new CountersignError('AUDIT_BUSY', `an import into ${folder} is running; wait for it, or stop it`, { cause });
  }
  // What an import that was killed had unpacked.
  for (const name of fs.readdirSync(folder)) {
    if (name.startsWith(UNPACKING)) fs.rmSync(join(folder, name), { recursive: true, force: true });
  }
  return () => database.close();
}

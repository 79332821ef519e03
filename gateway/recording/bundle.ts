import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { CountersignError } from '../contract/errors.ts';
import type { Verification } from '../contract/session.ts';
import { isSessionId, SUMS_SIGNATURE_NAME } from './files.ts';
import { padding, parseTarHeader, TAR_BLOCK, tarHeader } from './tar.ts';
import { type VerifyOptions, verifySession } from './verify.ts';

const MEMBER =
  /^(seg-\d{6}\.jsonl\.zst|units-\d{6}\.bin|heads-\d{6}\.notes|open\.json|session-key\.pem|recovery-key-\d{1,16}\.pem|SHA256SUMS|SHA256SUMS\.sig)$/;
/** What ties the session to the organisation (gateway/evidence/SPEC.md): it says who vouches for what the other members say. */
const EVIDENCE =
  /^evidence\/(trust\/\d{6}\.note|identity\/[0-9a-f]{8}(\.oidc|\.change)?\.note|(opened|closed)\.(json|tlog-proof)|\d{1,6}\.tsr)$/;
const SCRIPT = 'verify.sh';
const MAX_MEMBER_BYTES = 64 * 1024 * 1024;
const MAX_MEMBERS = 1_000_000;

const bad = (sentence: string): CountersignError => new CountersignError('RECORDING_BAD_BUNDLE', sentence);
const script = (): Buffer => fs.readFileSync(new URL('./verify.sh', import.meta.url));

export interface BundleEvidence {
  name: string;
  bytes: Uint8Array;
}

/**
 * Writes one session as a tar file that verifies with this program or with the verify.sh in it.
 * Throws RECORDING_STILL_OPEN for a session that is not closed, and EEXIST when `outFile` is there.
 *
 * @param evidence names `evidence/…`.
 */
export async function exportBundle(
  folder: string,
  outFile: string,
  evidence: readonly BundleEvidence[] = [],
): Promise<void> {
  if (!fs.existsSync(join(folder, SUMS_SIGNATURE_NAME))) {
    throw new CountersignError('RECORDING_STILL_OPEN', 'This session has not been closed yet: end it, then export it.');
  }
  const out = await fs.promises.open(outFile, 'wx', 0o600);
  try {
    const add = async (name: string, bytes: Uint8Array) => {
      await out.writeFile(tarHeader(`${basename(folder)}/${name}`, bytes.length));
      await out.writeFile(bytes);
      await out.writeFile(Buffer.alloc(padding(bytes.length)));
    };
    for (const name of fs
      .readdirSync(folder)
      .filter((entry) => MEMBER.test(entry))
      .sort()) {
      await add(name, await fs.promises.readFile(join(folder, name)));
    }
    for (const { name, bytes } of evidence) await add(name, bytes);
    await add(SCRIPT, script());
    await out.writeFile(Buffer.alloc(2 * TAR_BLOCK));
    await out.sync();
  } finally {
    await out.close();
  }
}

/** Unpacks a bundle into `parent`; gives the session's folder. Throws RECORDING_BAD_BUNDLE on anything unexpected. */
export async function unpackBundle(tarFile: string, parent: string): Promise<string> {
  const file = await fs.promises.open(tarFile, 'r');
  try {
    const { size: total } = await file.stat();
    const block = Buffer.alloc(TAR_BLOCK);
    let folder: string | null = null;
    let offset = 0;
    for (let members = 0; members <= MAX_MEMBERS; members += 1) {
      if ((await file.read(block, 0, TAR_BLOCK, offset)).bytesRead < TAR_BLOCK) throw bad('the bundle is cut short');
      offset += TAR_BLOCK;
      const entry = parseTarHeader(block);
      if (entry === null) {
        await assertEnd(file, offset, total);
        if (folder === null) throw bad('the bundle is empty');
        return folder;
      }
      const id = entry.name.split('/')[0] ?? '';
      const name = entry.name.slice(id.length + 1);
      if (!isSessionId(id) || !(MEMBER.test(name) || EVIDENCE.test(name) || name === SCRIPT))
        throw bad('the bundle holds a file that does not belong there');
      if (entry.size > MAX_MEMBER_BYTES || offset + entry.size > total) throw bad(`${name} is cut short or too large`);
      folder ??= join(parent, id);
      if (folder !== join(parent, id)) throw bad('the bundle holds more than one session');
      fs.mkdirSync(dirname(join(folder, name)), { recursive: true, mode: 0o700 });
      const bytes = Buffer.alloc(entry.size + padding(entry.size));
      if ((await file.read(bytes, 0, bytes.length, offset)).bytesRead < bytes.length)
        throw bad('the bundle is cut short');
      if (bytes.subarray(entry.size).some((byte) => byte !== 0)) throw bad('the bundle has bytes between its files');
      await fs.promises.writeFile(join(folder, name), bytes.subarray(0, entry.size), { flag: 'wx', mode: 0o600 });
      offset += bytes.length;
    }
    throw bad('the bundle has too many files');
  } finally {
    await file.close();
  }
}

async function assertEnd(file: fs.promises.FileHandle, offset: number, total: number): Promise<void> {
  const block = Buffer.alloc(TAR_BLOCK);
  await file.read(block, 0, TAR_BLOCK, offset);
  if (offset + TAR_BLOCK !== total || block.some((byte) => byte !== 0)) throw bad('the bundle has bytes after its end');
}

/** Verifies a bundle from a temporary copy of its files. Never throws for what is wrong with the bundle. */
export async function verifyBundle(tarFile: string, options: VerifyOptions = {}): Promise<Verification> {
  const parent = fs.mkdtempSync(join(tmpdir(), 'countersign-bundle-'));
  try {
    const folder = await unpackBundle(tarFile, parent);
    const verification = await verifySession(folder, options);
    const own = join(folder, SCRIPT);
    const same = fs.existsSync(own) && fs.readFileSync(own).equals(script());
    verification.checks.push({
      name: SCRIPT,
      status: 'not-checked',
      sentence: same
        ? `${SCRIPT} in the bundle is the one of this version; nothing signs it.`
        : `${SCRIPT} in the bundle is not the one of this version, and nothing signs it: do not run it.`,
    });
    return named(verification, basename(folder));
  } catch (error) {
    if (!(error instanceof CountersignError) && (error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const sentence = error instanceof CountersignError ? error.message : 'a file comes twice';
    return {
      sessionId: '',
      ok: false,
      state: 'open',
      checks: [{ name: 'bundle', status: 'failed', sentence }],
      brokenExchanges: [],
    };
  } finally {
    fs.rmSync(parent, { recursive: true, force: true });
  }
}

/** The folder in the bundle is the session that its events name. */
function named(verification: Verification, id: string): Verification {
  if (verification.sessionId === id) return verification;
  verification.checks.push({
    name: 'bundle',
    status: 'failed',
    sentence: 'The bundle is named after another session than its events.',
  });
  return { ...verification, ok: false };
}

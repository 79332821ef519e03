import { createHash, hash } from 'node:crypto';
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { isCountersignError } from '../../contract/errors.ts';
import { unpackBundle } from '../../recording/bundle.ts';
import { sessionFolder } from '../../recording/files.ts';
import { readOpen } from '../../recording/reader.ts';
import { timeOfUlid } from '../../sessions/ulid.ts';
import type { PartRange } from '../../sync/part.ts';
import type { Books, ObjectState } from '../books.ts';
import { deviceOfProof, proofName } from '../proofs.ts';
import { UNPACKING, type Workspace } from '../workspace.ts';
import { placeRanges, putFile } from './session-files.ts';

/** Number of a bundle among the parts of its session: it is none of them. */
export const BUNDLE_PART = -1;
const SOURCE = 'bundles';
const EVIDENCE = 'evidence';

export interface BundleOutcome {
  sid: string | null;
  state: 'known' | Extract<ObjectState, 'applied' | 'changed' | 'refused'>;
  detail: string;
}

/** One session with what ties it to the organisation. A bundle that is broken or says otherwise is told, not thrown. */
export async function importBundle(
  workspace: Workspace,
  books: Books,
  file: string,
  now: () => number,
): Promise<BundleOutcome> {
  const sha256 = await hashOf(file);
  const name = `${sha256.toString('hex')}.tar`;
  if (books.objects(SOURCE, name).length > 0) return { sid: null, state: 'known', detail: '' };
  const importId = books.beginImport(SOURCE, now());
  const parent = fs.mkdtempSync(join(workspace.folder, UNPACKING));
  let outcome: BundleOutcome;
  try {
    const folder = await unpackBundle(file, parent);
    outcome = takeSession(workspace, books, folder, basename(file), importId, now);
  } catch (error) {
    if (!isCountersignError(error) && (error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const detail = isCountersignError(error) ? error.message : 'a file comes twice';
    outcome = { sid: null, state: 'refused', detail };
  } finally {
    fs.rmSync(parent, { recursive: true, force: true });
  }
  books.put({
    source: SOURCE,
    name,
    version: '',
    size: fs.statSync(file).size,
    sha256,
    state: outcome.state === 'known' ? 'applied' : outcome.state,
    detail: outcome.detail === '' ? '' : `${basename(file)}: ${outcome.detail}`,
    firstSeen: now(),
    lastImport: importId,
  });
  return outcome;
}

async function hashOf(file: string): Promise<Buffer> {
  const sha256 = createHash('sha256');
  for await (const chunk of fs.createReadStream(file)) sha256.update(chunk as Uint8Array);
  return sha256.digest();
}

function takeSession(
  workspace: Workspace,
  books: Books,
  unpacked: string,
  file: string,
  importId: number,
  now: () => number,
): BundleOutcome {
  const sid = basename(unpacked);
  const device = deviceOfProof(join(unpacked, EVIDENCE, 'opened.tlog-proof')) ?? '';
  const openedAt = timeOfUlid(sid);
  const day = openedAt === null ? String(readOpen(unpacked).info.openedAt) : new Date(openedAt).toISOString();
  books.putSession({ sid, org: workspace.settings.org, device, folder: sessionFolder('', sid, day) });
  const session = books.session(sid)!;
  const folder = join(workspace.recordingsDir, session.folder);
  const names = fs.readdirSync(unpacked).filter((name) => name !== EVIDENCE && name !== 'verify.sh');
  for (const name of names) {
    const range: PartRange = { name, offset: 0, bytes: fs.readFileSync(join(unpacked, name)) };
    if (range.bytes.length === 0) continue;
    if (placeRanges(books, sid, folder, [range]) !== null) {
      return { sid, state: 'changed', detail: `Its ${name} is not what was imported of session ${sid} before.` };
    }
    const sha256 = hash('sha256', range.bytes, 'base64');
    const part = { n: BUNDLE_PART, sha256: Buffer.alloc(0), prev: '', last: true, name: file };
    books.putPart(sid, part, [[name, 0, range.bytes.length, sha256]]);
  }
  takeEvidence(workspace, books, join(unpacked, EVIDENCE), { sid, device, file, importId, now });
  return { sid, state: 'applied', detail: '' };
}

interface From {
  sid: string;
  device: string;
  file: string;
  importId: number;
  now: () => number;
}

/** Documents under the names that the store has for them; proofs beside the device's log. */
function takeEvidence(workspace: Workspace, books: Books, folder: string, from: From): void {
  if (!fs.existsSync(folder) || from.device === '') return;
  const { org } = workspace.settings;
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const below = path.slice(folder.length + 1).replaceAll('\\', '/');
    const name = below.startsWith('trust/')
      ? `${org}/${below}`
      : below.startsWith('identity/')
        ? `${org}/${from.device}/${below}`
        : proofName(org, from.device, from.sid, below);
    const bytes = fs.readFileSync(path);
    const sha256 = hash('sha256', bytes, 'buffer');
    const kept = workspace.kept(name);
    const same = !fs.existsSync(kept) || fs.readFileSync(kept).equals(bytes);
    putFile(same ? kept : workspace.changed(name, sha256), bytes);
    books.put({
      source: `bundle ${from.file}`,
      name,
      version: '',
      size: bytes.length,
      sha256,
      state: same ? 'kept' : 'changed',
      detail: same ? '' : 'It holds other bytes than what was imported under this name before.',
      firstSeen: from.now(),
      lastImport: from.importId,
    });
  }
}

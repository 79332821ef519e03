import { createHash } from 'node:crypto';
import type { StoreCapabilities } from '../ports.ts';
import { bytesBody } from './body.ts';
import type { S3Config } from './config.ts';
import { MARKER_BYTES, probeName } from './names.ts';
import { type S3Body, type S3Calls, type S3Request, textOf } from './s3-client.ts';
import { findText, type ListedVersion, type ListPage } from './s3-xml.ts';

/** How long the probe object is locked for: no longer than the trying takes, though clocks differ. */
const LOCKED_MS = 5 * 60 * 1000;
const SHORTENED_MS = 60 * 1000;

interface ProbedBucket {
  calls: S3Calls;
  config: S3Config;
  /** What stands before every object's name in this bucket. */
  before: string;
  /** Headers that objects are written with: encryption and lock. */
  protection: Record<string, string>;
  now: () => Date;
  /** Throws SYNC_WRITE_ONLY. */
  list(prefix: string): AsyncIterable<ListPage>;
}

interface Lock {
  mode: string;
  until: number;
}

/**
 * Tries what a thief of these credentials would: write over an object, delete it, delete its version, shorten its lock.
 * An answer proves nothing, since stores say 200 to lock headers and enforce nothing; what is there afterwards does.
 */
export async function probeS3(
  bucket: ProbedBucket,
): Promise<{ capabilities: StoreCapabilities; honoursCondition: boolean }> {
  const { calls, config, before } = bucket;
  const name = probeName();
  const key = before + name;
  const [first, second] = [bodyOf(MARKER_BYTES), bodyOf(new TextEncoder().encode('another content'))];
  await create(bucket, key, first);
  const encrypted = await encrypts(calls, key);
  const read = (await contentOf(calls, key)) !== null;
  const versions = (await listedOf(bucket, name))?.versions ?? null;
  const version = versions?.[0]?.version ?? 'null';
  const kept = version === 'null' ? null : { versionId: version };
  const lock = kept === null ? null : await lockOf(calls, key, kept);

  const honoursCondition = !(await did(calls, { method: 'PUT', key, headers: { 'if-none-match': '*' }, body: second }));
  await did(calls, { method: 'PUT', key, body: second });
  const overwritten = (await contentOf(calls, key)) !== first.sha256;
  await did(calls, { method: 'DELETE', key });
  const stays = (await contentOf(calls, key, kept)) !== null;
  const shortened = kept !== null && lock !== null && (await shortens(bucket, key, kept, lock));
  if (kept !== null) await did(calls, { method: 'DELETE', key, query: kept, headers: BYPASS });
  const refusesDelete = (await contentOf(calls, key, kept)) !== null;
  if (versions !== null) await clearUp(bucket, name);

  const keepsVersions = kept !== null && stays;
  const sentences = [
    honoursCondition
      ? 'The store itself refuses to create an object that is there.'
      : 'The store ignores If-None-Match, so it is looked before each upload; a second version shows in verification.',
    keepsVersions
      ? 'What is written over or deleted stays as a version.'
      : 'The bucket keeps no versions: what is written over or deleted is gone.',
    lockSentence(config, lock, refusesDelete, shortened),
  ];
  if (config.sse !== undefined) {
    sentences.push(
      `The store was asked to encrypt objects and ${encrypted ? 'says that it does' : 'does not say that it does'}.`,
    );
  }
  const list = versions !== null;
  const refusesOverwrite = read && !overwritten;
  return { honoursCondition, capabilities: { read, list, refusesOverwrite, refusesDelete, keepsVersions, sentences } };
}

function lockSentence(config: S3Config, lock: Lock | null, enforced: boolean, shortened: boolean): string {
  const asked = config.lock === undefined ? '' : `was asked for (${config.lock.mode}) and `;
  if (lock === null) {
    return enforced
      ? `Object Lock ${asked}is not there, but no object could be deleted with these credentials.`
      : `Object Lock ${asked}is not there: with these credentials each object can be deleted for good.`;
  }
  if (!enforced)
    return `Object Lock (${lock.mode}) is not enforced: a locked version was deleted with these credentials.`;
  if (shortened)
    return `Object Lock (${lock.mode}) keeps a version from being deleted, but its retention could be shortened.`;
  return `Object Lock (${lock.mode}) is enforced: deleting a version and shortening its retention were tried and refused.`;
}

/** What a probe takes for an answer: the store did it, or it did not. */
const ANY = [200, 204, 400, 403, 404, 405, 409, 412, 501];
const BYPASS = { 'x-amz-bypass-governance-retention': 'true' };

async function did(calls: S3Calls, request: S3Request): Promise<boolean> {
  const answer = await calls.send(request, ANY);
  answer.bytes.resume();
  return answer.status < 300;
}

async function create({ calls, config, protection, now }: ProbedBucket, key: string, body: S3Body): Promise<void> {
  const headers = { ...protection };
  if (config.lock !== undefined) {
    headers['x-amz-object-lock-retain-until-date'] = seconds(new Date(now().getTime() + LOCKED_MS));
    headers['x-amz-checksum-sha256'] = Buffer.from(body.sha256, 'hex').toString('base64');
  }
  const answer = await calls.send({ method: 'PUT', key, headers, body });
  answer.bytes.resume();
}

async function encrypts(calls: S3Calls, key: string): Promise<boolean> {
  const answer = await calls.send({ method: 'HEAD', key }, ANY);
  answer.bytes.resume();
  return answer.headers['x-amz-server-side-encryption'] !== undefined;
}

/** SHA-256 of what is there in hexadecimal digits, null where nothing can be read. */
async function contentOf(calls: S3Calls, key: string, version: Record<string, string> | null = null) {
  const answer = await calls.send({ method: 'GET', key, query: version ?? {} }, ANY);
  const text = await textOf(answer.bytes);
  return answer.status === 200 ? createHash('sha256').update(text).digest('hex') : null;
}

interface Listed {
  /** Newest first. */
  versions: ListedVersion[];
  markers: ListPage['deleted'];
}

/** What is there of one name; null where these credentials may not list. */
async function listedOf({ before, list }: ProbedBucket, name: string): Promise<Listed | null> {
  const found: Listed = { versions: [], markers: [] };
  const isIt = ({ key }: { key: string }) => key === before + name;
  try {
    for await (const page of list(name)) {
      found.versions.push(...page.objects.filter(isIt));
      found.markers.push(...page.deleted.filter(isIt));
    }
    return found;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'SYNC_WRITE_ONLY') return null;
    throw error;
  }
}

async function lockOf(calls: S3Calls, key: string, version: Record<string, string>): Promise<Lock | null> {
  const answer = await calls.send({ method: 'GET', key, query: { ...version, retention: '' } }, ANY);
  const text = await textOf(answer.bytes);
  if (answer.status !== 200) return null;
  const mode = findText(text, 'Mode');
  const until = Date.parse(findText(text, 'RetainUntilDate') ?? '');
  return mode === null || Number.isNaN(until) ? null : { mode: mode.slice(0, 32), until };
}

/** Tries to let the lock end sooner, with every right that these credentials have. */
async function shortens(
  { calls, now }: ProbedBucket,
  key: string,
  version: Record<string, string>,
  lock: Lock,
): Promise<boolean> {
  const mode = lock.mode === 'COMPLIANCE' ? 'COMPLIANCE' : 'GOVERNANCE';
  const until = seconds(new Date(now().getTime() + SHORTENED_MS));
  const text = Buffer.from(`<Retention><Mode>${mode}</Mode><RetainUntilDate>${until}</RetainUntilDate></Retention>`);
  const headers = { ...BYPASS, 'content-md5': createHash('md5').update(text).digest('base64') };
  await did(calls, { method: 'PUT', key, query: { ...version, retention: '' }, headers, body: bodyOf(text) });
  const found = await lockOf(calls, key, version);
  return found === null || found.until < lock.until;
}

/** What cannot be deleted stays, and says nothing. */
async function clearUp(bucket: ProbedBucket, name: string): Promise<void> {
  const { versions, markers } = (await listedOf(bucket, name)) ?? { versions: [], markers: [] };
  for (const { key, version } of [...versions, ...markers]) {
    const query: Record<string, string> = version === 'null' ? {} : { versionId: version };
    await did(bucket.calls, { method: 'DELETE', key, query });
  }
}

function bodyOf(bytes: Uint8Array): S3Body {
  const { size, sha256, open } = bytesBody(bytes);
  return { size, sha256: Buffer.from(sha256).toString('hex'), open };
}

/** ISO 8601 without fractions of a second, as every store reads it. */
export const seconds = (time: Date) => time.toISOString().replace(/\.\d{3}Z$/, 'Z');

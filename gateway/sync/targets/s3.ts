import type { ObjectBody, StoreCapabilities, StoreObject, StoreTarget } from '../ports.ts';
import { bytesBody, exactly, isSame } from './body.ts';
import type { S3Config } from './config.ts';
import { full, interrupted, refused, unreachable, writeOnly } from './failures.ts';
import { assertObjectName, assertPrefix, isObjectName, MARKER, MARKER_BYTES } from './names.ts';
import { errorOf, type S3Answer, type S3Body, type S3Calls, s3Client, textOf } from './s3-client.ts';
import { putInParts } from './s3-multipart.ts';
import { probeS3, seconds } from './s3-probe.ts';
import { type ListPage, parseList, type S3Error } from './s3-xml.ts';
import type { Secrets } from './secrets.ts';

/**
 * Above it an object goes up in parts, unless it is to be locked: Ceph takes the lock headers of an upload in parts and
 * locks nothing, and S3 takes up to 5 GiB at once.
 */
const IN_PARTS = 32 * 1024 * 1024;
/** How long is taken to give up an upload that was stopped. */
const GIVE_UP_MS = 5_000;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * A bucket of an S3-compatible store. PUT is whole or not at all; `If-None-Match: *` keeps it from replacing anything
 * where the store honours that, and it is looked before where the store was not seen to.
 */
export function openS3Target(config: S3Config, secrets: Secrets, now: () => Date = () => new Date()): StoreTarget {
  const description = `s3 ${config.endpoint} bucket ${config.bucket}${config.prefix === undefined ? '' : ` below ${config.prefix}`}`;
  const client = s3Client(config, secrets, now);
  const before = config.prefix === undefined ? '' : `${config.prefix}/`;
  let capabilities: StoreCapabilities | null = null;
  let honoursCondition = false;

  const callsOf = (signal: AbortSignal): S3Calls => ({
    async send(request, expected = [200, 204]) {
      const answer = await client.send(request, signal);
      if (expected.includes(answer.status)) return answer;
      throw inWords(await errorOf(answer));
    },
    async text(request) {
      return await textOf((await this.send(request)).bytes);
    },
  });

  function inWords(error: S3Error): Error {
    const said = error.message === '' ? error.code : `${error.code}: ${error.message}`;
    const { code, status } = error;
    if (code === 'RequestTimeTooSkewed') {
      const difference =
        client.serverTime === null ? null : Math.round((now().getTime() - client.serverTime.getTime()) / 60_000);
      const by =
        difference === null ? '' : ` by ${Math.abs(difference)} minutes ${difference > 0 ? 'ahead' : 'behind'}`;
      return refused(
        `This machine’s clock is wrong${by}, says the store (${config.endpoint}); set the clock, then sync goes on.`,
      );
    }
    if (code === 'InvalidAccessKeyId' || code === 'SignatureDoesNotMatch') {
      return refused(
        `${config.endpoint} does not accept the access key ${config.accessKeyId} with its secret (${code}).`,
      );
    }
    if (FULL.has(code) || status === 507)
      return full(`There is no room left in the bucket ${config.bucket} (${code}).`);
    if (code === 'NoSuchBucket') return refused(`${config.endpoint} has no bucket ${config.bucket}.`);
    if (status >= 500 || status === 429 || status === 408 || status === 409 || TRANSIENT.has(code)) {
      return unreachable(`${config.endpoint} cannot do it for the moment (${said}).`);
    }
    return refused(`${config.endpoint} refused it (${said}).`);
  }

  /** Headers that every new object is written with. */
  function headersOf(body: ObjectBody): Record<string, string> {
    return { 'if-none-match': '*', ...protection(), ...checksum(body) };
  }

  function protection(): Record<string, string> {
    const headers: Record<string, string> = {};
    if (config.sse !== undefined) headers['x-amz-server-side-encryption'] = config.sse.algorithm;
    if (config.sse?.algorithm === 'aws:kms' && config.sse.keyId !== undefined) {
      headers['x-amz-server-side-encryption-aws-kms-key-id'] = config.sse.keyId;
    }
    if (config.lock !== undefined) {
      headers['x-amz-object-lock-mode'] = config.lock.mode;
      headers['x-amz-object-lock-retain-until-date'] = seconds(new Date(now().getTime() + config.lock.days * DAY_MS));
    }
    return headers;
  }

  /** AWS asks for a checksum wherever Object Lock is asked for; elsewhere some stores refuse it. */
  function checksum(body: ObjectBody): Record<string, string> {
    return config.lock === undefined ? {} : { 'x-amz-checksum-sha256': Buffer.from(body.sha256).toString('base64') };
  }

  async function isThere(calls: S3Calls, name: string): Promise<boolean> {
    const answer = await calls.send({ method: 'HEAD', key: before + name }, [200, 404, 403]);
    answer.bytes.resume();
    // Without the right to read or list, S3 says 403 of what is there and of what is not.
    return answer.status === 200;
  }

  async function compare(calls: S3Calls, name: string, body: ObjectBody): Promise<'exists'> {
    const answer = await calls.send({ method: 'GET', key: before + name });
    const same = await isSame(answer.bytes, body);
    answer.bytes.destroy();
    if (same) return 'exists';
    throw interrupted(`${name} is in the bucket ${config.bucket} with another content.`);
  }

  async function putAtOnce(
    calls: S3Calls,
    key: string,
    body: ObjectBody,
    bytes: S3Body,
  ): Promise<'created' | 'exists'> {
    const answer = await calls.send({ method: 'PUT', key, headers: headersOf(body), body: bytes }, [200, 412]);
    answer.bytes.resume();
    return answer.status === 412 ? 'exists' : 'created';
  }

  async function create(calls: S3Calls, name: string, body: ObjectBody): Promise<'created' | 'exists'> {
    if (!honoursCondition && (await isThere(calls, name))) return await compare(calls, name, body);
    const key = before + name;
    const bytes = {
      size: body.size,
      sha256: Buffer.from(body.sha256).toString('hex'),
      open: () => exactly(name, body),
    };
    const outcome =
      body.size > IN_PARTS && config.lock === undefined
        ? await putInParts(calls, key, bytes, protection(), () => callsOf(AbortSignal.timeout(GIVE_UP_MS)))
        : await putAtOnce(calls, key, body, bytes);
    return outcome === 'exists' ? await compare(calls, name, body) : outcome;
  }

  async function* pages(calls: S3Calls, prefix: string, after = ''): AsyncGenerator<ListPage> {
    const start = before + after;
    const common = { prefix: before + prefix, 'max-keys': '1000', 'encoding-type': 'url' };
    let kind: Record<string, string> = { versions: '' };
    for (let next: Record<string, string> | null = {}; next !== null; ) {
      const from: Record<string, string> =
        after === '' ? {} : 'versions' in kind ? { 'key-marker': start } : { 'start-after': start };
      const query: Record<string, string> = { ...kind, ...common, ...from, ...next };
      const answer = await calls.send({ method: 'GET', query }, [200, 400, 403, 501]);
      if (answer.status !== 200) {
        const error = await errorOf(answer);
        // A store without versions, or a key that may list objects and not their versions.
        if ('versions' in kind && !CREDENTIALS.has(error.code)) kind = { 'list-type': '2' };
        else throw error.code === 'AccessDenied' ? nobodyLists(config.bucket) : inWords(error);
        continue;
      }
      const page: ListPage = parseList(await textOf(answer.bytes));
      yield page;
      if (page.next !== null && JSON.stringify(page.next) === JSON.stringify(next)) {
        throw unreachable(`${config.endpoint} lists the same page again and again.`);
      }
      next = page.next;
    }
  }

  async function* bytesOf(answer: S3Answer, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* answer.bytes as AsyncIterable<Uint8Array>;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw unreachable(`${config.endpoint} broke off in the middle of an object.`, error);
    }
  }

  return {
    description,
    get capabilities() {
      return capabilities;
    },
    async probe(signal) {
      const calls = callsOf(signal);
      const found = await probeS3({
        calls,
        config,
        before,
        protection: protection(),
        now,
        list: (prefix) => pages(calls, prefix),
      });
      honoursCondition = found.honoursCondition;
      capabilities = found.capabilities;
      return capabilities;
    },
    async setUp(signal) {
      await create(callsOf(signal), MARKER, bytesBody(MARKER_BYTES));
    },
    async create(name, body, signal) {
      assertObjectName(name);
      return await create(callsOf(signal), name, body);
    },
    async read(name, signal, version = null) {
      assertObjectName(name);
      const query: Record<string, string> = version === null ? {} : { versionId: version };
      const answer = await client.send({ method: 'GET', key: before + name, query }, signal);
      if (answer.status === 200) return bytesOf(answer, signal);
      const error = await errorOf(answer);
      if (error.status === 404 && error.code !== 'NoSuchBucket') return null;
      if (error.code === 'AccessDenied') {
        throw writeOnly(`The access key ${config.accessKeyId} may not read from the bucket ${config.bucket}.`);
      }
      throw inWords(error);
    },
    async remove(name, signal) {
      assertObjectName(name);
      (await callsOf(signal).send({ method: 'DELETE', key: before + name }, [200, 204, 404])).bytes.resume();
    },
    async *list(prefix, signal, after): AsyncGenerator<StoreObject> {
      assertPrefix(prefix);
      for await (const page of pages(callsOf(signal), prefix, after)) {
        for (const { key, size, version } of page.objects) {
          const name = key.slice(before.length);
          // Some stores begin with the very name.
          if (isObjectName(name) && name > (after ?? ''))
            yield { name, size, version: version === 'null' ? null : version };
        }
        for (const { key } of page.deleted) {
          const name = key.slice(before.length);
          if (isObjectName(name) && name > (after ?? '')) yield { name, size: 0, version: null, deleted: true };
        }
      }
    },
    async close() {
      client.close();
    },
  };
}

const FULL: ReadonlySet<string> = new Set([
  'QuotaExceeded',
  'XMinioStorageFull',
  'InsufficientCapacity',
  'ServiceQuotaExceeded',
]);
const TRANSIENT: ReadonlySet<string> = new Set(['SlowDown', 'RequestTimeout', 'IncompleteBody', 'OperationAborted']);
const CREDENTIALS: ReadonlySet<string> = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'RequestTimeTooSkewed',
]);

const nobodyLists = (bucket: string) => writeOnly(`These credentials may not list the bucket ${bucket}.`);

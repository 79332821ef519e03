import { createHash } from 'node:crypto';
import { unreachable, words } from './failures.ts';
import { type S3Body, type S3Calls, textOf } from './s3-client.ts';
import { findText } from './s3-xml.ts';

/** One is held in memory at a time: what is signed has to be hashed before. S3 takes 10,000 of them. */
const PART = 8 * 1024 * 1024;

/**
 * Writes an object in parts, which becomes one only when all of them are there. What was uploaded is given up where
 * that fails; where even that fails, the bucket's lifecycle rule for unfinished uploads has to take it away.
 */
export async function putInParts(
  calls: S3Calls,
  key: string,
  body: S3Body,
  headers: Record<string, string>,
  callsToGiveUp: () => S3Calls,
): Promise<'created' | 'exists'> {
  const started = await calls.text({ method: 'POST', key, query: { uploads: '' }, headers });
  const uploadId = findText(started, 'UploadId');
  if (uploadId === null || uploadId === '') throw unreachable('The store began no upload.');
  try {
    const tags: string[] = [];
    for await (const part of partsOf(body)) {
      const query = { partNumber: `${tags.length + 1}`, uploadId };
      const answer = await calls.send({ method: 'PUT', key, query, body: bytesOf(part) });
      answer.bytes.resume();
      tags.push(answer.headers.etag ?? '');
    }
    const list = tags.map((tag, n) => `<Part><PartNumber>${n + 1}</PartNumber><ETag>${escaped(tag)}</ETag></Part>`);
    const done = Buffer.from(`<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`);
    const complete = {
      method: 'POST' as const,
      key,
      query: { uploadId },
      headers: { 'if-none-match': '*' },
      body: bytesOf(done),
    };
    const answer = await calls.send(complete, [200, 412]);
    if (answer.status === 412) {
      answer.bytes.resume();
      await giveUp(callsToGiveUp(), key, uploadId);
      return 'exists';
    }
    // A store that takes long has sent its 200 before it knew: what happened is in the body.
    const code = findText(await textOf(answer.bytes), 'Code');
    if (code !== null) throw unreachable(`The store could not put the parts together (${words(code)}).`);
    return 'created';
  } catch (error) {
    await giveUp(callsToGiveUp(), key, uploadId);
    throw error;
  }
}

async function giveUp(calls: S3Calls, key: string, uploadId: string): Promise<void> {
  await calls.send({ method: 'DELETE', key, query: { uploadId } }, [200, 204, 404]).then(
    ({ bytes }) => bytes.resume(),
    () => {},
  );
}

async function* partsOf(body: S3Body): AsyncGenerator<Buffer> {
  const part = Buffer.allocUnsafe(PART);
  let filled = 0;
  for await (const chunk of body.open()) {
    for (let at = 0; at < chunk.length; ) {
      const taken = Math.min(PART - filled, chunk.length - at);
      part.set(chunk.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < PART) continue;
      yield part;
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}

function bytesOf(bytes: Buffer): S3Body {
  return {
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    async *open() {
      yield bytes;
    },
  };
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

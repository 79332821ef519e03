import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { requestToken, timestampRequest } from './request.ts';
import { sendQuery } from './send.ts';
import { makeTsa, type TestTsaOptions } from './test-tsa.ts';
import { readToken } from './token.ts';
import { verifyToken } from './verify.ts';

const digest = createHash('sha256').update('a checkpoint').digest();
const other = createHash('sha256').update('another checkpoint').digest();
const made: ReturnType<typeof makeTsa>[] = [];
const tsaOf = (options?: TestTsaOptions) => {
  const tsa = makeTsa(options);
  made.push(tsa);
  return tsa;
};
afterAll(async () => {
  for (const tsa of made) await tsa.remove();
});

const tsa = tsaOf();
const good = tsa.reply(timestampRequest(digest, randomBytes(16)));
const never = new AbortController().signal;
const refusal = (token: Uint8Array, trusted = [tsa.root], of: Uint8Array = digest, nonce?: bigint) => {
  const { ok, time, sentence } = verifyToken(token, of, trusted, nonce);
  expect({ ok, time }).toEqual({ ok: false, time: null });
  return sentence;
};

describe('a token from a real timestamp authority', () => {
  it('is asked for over HTTP, verified here, and by openssl', async () => {
    const url = await tsa.listen();
    const token = await requestToken(
      digest,
      { name: 'tsa', url, certificate: tsa.root },
      sendQuery,
      randomBytes,
      never,
    );
    expect(tsa.verifies(token, digest)).toBe(true);
    const verified = verifyToken(token, digest, [tsa.root]);
    expect(verified).toMatchObject({ ok: true, accuracy: 1500.1 });
    expect(Math.abs(Date.parse(verified.time!) - Date.now())).toBeLessThan(60 * 60 * 1000);
    expect(verified.sentence).toContain(verified.time);
  });

  it('is asked for with a nonce and for the certificate, as openssl reads the request', () => {
    const text = tsa.describeQuery(timestampRequest(digest, Uint8Array.of(0, 0x9f, 1)));
    expect(text).toMatch(/Hash Algorithm: sha256/);
    expect(text).toMatch(/Nonce: 0x9F01/);
    expect(text).toMatch(/Certificate required: yes/);
  });

  it('leads to the signer, its authority or the root, whichever is pinned, and to no other', () => {
    for (const pinned of [tsa.root, tsa.authority, tsa.signer])
      expect(verifyToken(good, digest, [pinned]).ok).toBe(true);
    expect(refusal(good, [])).toMatch(/does not lead to one that is trusted/);
    expect(refusal(good, [tsaOf().root])).toMatch(/does not lead to one that is trusted/);
  });

  it('is taken bare too, and where openssl made the request', () => {
    expect(verifyToken(tsa.token(good), digest, [tsa.root]).ok).toBe(true);
    expect(verifyToken(tsa.reply(tsa.query(digest, '-cert')), digest, [tsa.root]).ok).toBe(true);
  });

  it('needs the pinned certificate where it carries none', () => {
    const bare = tsa.reply(tsa.query(digest));
    expect(verifyToken(bare, digest, [tsa.signer]).ok).toBe(true);
    expect(refusal(bare, [tsa.root])).toMatch(/certificate is not at hand/);
  });

  it.each<[string, TestTsaOptions]>([
    ['RSA', { key: ['-newkey', 'rsa:2048'] }],
    ['RSA and SHA-512', { key: ['-newkey', 'rsa:2048'], digest: 'sha512', essDigest: 'sha512' }],
    ['P-384 and SHA-384', { key: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'], digest: 'sha384' }],
    ['the old SigningCertificate', { essDigest: 'sha1' }],
  ])('verifies with %s', (_name, options) => {
    const one = tsaOf(options);
    const token = one.reply(timestampRequest(digest, randomBytes(16)));
    expect(one.verifies(token, digest)).toBe(true);
    expect(verifyToken(token, digest, [one.root])).toMatchObject({ ok: true });
  });
});

describe('what is refused, with a sentence', () => {
  it('another digest, another request', () => {
    expect(refusal(good, [tsa.root], other)).toMatch(/for something else/);
    expect(refusal(good, [tsa.root], digest, 7n)).toMatch(/answers another request/);
    expect(tsa.verifies(good, other)).toBe(false);
  });

  it.each<[string, TestTsaOptions, RegExp]>([
    ['an expired certificate', { validity: ['-days', '-1'] }, /not valid at the time/],
    ['a weak digest', { digest: 'sha1' }, /digest that is not accepted/],
    ['a short RSA key', { key: ['-newkey', 'rsa:1024'] }, /2,048 bits/],
  ])('%s', (_name, options, sentence) => {
    const one = tsaOf(options);
    expect(refusal(one.reply(timestampRequest(digest, randomBytes(16))), [one.root])).toMatch(sentence);
  });

  it.each<[string, string, RegExp]>([
    ['a purpose that is not critical', 'timeStamping', /critical/],
    ['another purpose besides', 'critical,timeStamping,serverAuth', /nothing else/],
    ['another purpose', 'critical,serverAuth', /nothing else/],
  ])('%s', (_name, purpose, sentence) => {
    // `openssl ts` signs with no such certificate, but `openssl cms` does.
    expect(verifyToken(tsa.sign(readToken(good).content), digest, [tsa.root]).ok).toBe(true);
    const one = tsaOf({ purpose });
    expect(refusal(one.sign(readToken(good).content), [one.root])).toMatch(sentence);
  });

  it('a signature that does not name its certificate', () => {
    expect(refusal(tsa.sign(readToken(good).content, []))).toMatch(/does not name/);
  });

  it('an authority that refuses', () => {
    const query = Buffer.from(timestampRequest(digest, randomBytes(16)));
    // SHA-512, which this authority does not take.
    query[query.indexOf('0304020105', 0, 'hex') + 3] = 3;
    expect(refusal(tsa.reply(query))).toMatch(/authority refused: .*(malformed|algorithm)/);
  });

  it('any bit that is signed or names who signed, changed', { timeout: 120_000 }, () => {
    const token = tsa.token(good);
    const survivors: number[] = [];
    for (let at = 0; at < token.length; at += 1) {
      const changed = Buffer.from(token);
      changed[at] = changed[at]! ^ 1;
      if (verifyToken(changed, digest, [tsa.root]).ok) survivors.push(at);
    }
    // Nothing signs the CMS version, the list of digests beside the signature, and the certificates that are not needed.
    expect(survivors.length).toBeLessThan(40);
    for (const at of survivors) {
      const changed = Buffer.from(token);
      changed[at] = changed[at]! ^ 1;
      expect(verifyToken(changed, digest, [tsa.root]).time).toBe(verifyToken(good, digest, [tsa.root]).time);
    }
  });

  it('every cut', () => {
    for (let length = 0; length < good.length; length += 1) refusal(good.subarray(0, length));
    refusal(Buffer.concat([good, Buffer.of(0)]));
  });

  it('garbage', { timeout: 120_000 }, () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => !verifyToken(bytes, digest, [tsa.root]).ok));
    const edits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 8,
    });
    const time = verifyToken(good, digest, [tsa.root]).time;
    fc.assert(
      fc.property(edits, (changes) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        const { ok, time: read, sentence } = verifyToken(bytes, digest, [tsa.root]);
        return (ok ? read === time : read === null) && sentence.length > 10;
      }),
      { numRuns: 500 },
    );
  });
});

describe('a server that is no authority', () => {
  const ask = async (url: string, signal = never) =>
    requestToken(digest, { name: 'tsa', url, certificate: tsa.root }, sendQuery, randomBytes, signal);

  it.each([
    ['an error', { status: 503, body: Buffer.from('later') }, /HTTP 503/],
    ['a redirection', { status: 302, body: Buffer.alloc(0) }, /HTTP 302/],
    ['a web page', { type: 'text/html', body: Buffer.from('<p>hello') }, /not a timestamp/],
    ['too much', { body: Buffer.alloc(200_000) }, /more than a timestamp/],
  ])('answers with %s', async (_name, answer, sentence) => {
    const url = await tsa.listen(() => answer);
    await expect(ask(url)).rejects.toMatchObject({
      code: 'TIMESTAMP_UNREACHABLE',
      message: expect.stringMatching(sentence),
    });
  });

  it('answers with a token of another request', async () => {
    const url = await tsa.listen(() => ({ body: good }));
    await expect(ask(url)).rejects.toMatchObject({
      code: 'TIMESTAMP_REFUSED',
      message: expect.stringMatching(/another request/),
    });
  });

  it('is not there', async () => {
    await expect(ask('http://127.0.0.1:9/')).rejects.toMatchObject({ code: 'TIMESTAMP_UNREACHABLE' });
    await expect(ask('http://127.0.0.1:9/', AbortSignal.abort())).rejects.toMatchObject({
      code: 'TIMESTAMP_UNREACHABLE',
    });
  });
});

import { createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testTime } from '../approvals/test-operation.ts';
import { localIdentity } from './local.ts';
import { newTokenSecret } from './token-secret.ts';
import { createTokens, type TokenLimits } from './tokens.ts';

let dir: string;
let file: string;
let time: ReturnType<typeof testTime>;
let sweep: () => void;
let problems: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cs-tokens-'));
  file = join(dir, 'tokens.json');
  time = testTime();
  problems = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

const open = (limits: Partial<TokenLimits> = {}) =>
  createTokens({
    file,
    clock: time.clock,
    randomBytes,
    limits,
    onProblem: (sentence) => problems.push(sentence),
    every: (_, run) => {
      sweep = run;
      return () => {};
    },
  });
const mint = (tokens: ReturnType<typeof open>, connectionId = 'demo') =>
  tokens.mint({ identity: localIdentity('dev'), connectionId, purpose: 'test' });
const MINUTE = 60_000;

describe('a token', () => {
  it('lets its agent session in, on its connection only', () => {
    const tokens = open();
    const { token, session } = mint(tokens);
    expect(token).toMatch(/^cs_[0-9a-f]{16}_[0-9A-Za-z]{43}$/);
    expect(tokens.verify(token, 'demo')).toEqual({ ok: true, session });
    expect(session.identity.display).toBe('unverified: local account dev');
    expect(tokens.verify(token, 'other')).toMatchObject({
      ok: false,
      reason: expect.stringContaining('another connection'),
    });
  });

  it.each([
    ['', 'not a Countersign token'],
    ['secret', 'not a Countersign token'],
    [`cs_${'0'.repeat(16)}_${'0'.repeat(43)}`, 'not known'],
  ])('that is not one is refused with what to do: %j', (token, reason) => {
    const refusal = open().verify(token, 'demo');
    expect(refusal).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
    expect(refusal).toMatchObject({ reason: expect.stringContaining('countersign connect demo') });
  });

  it('with another secret is unknown, also when it was revoked', () => {
    const tokens = open();
    const { token, session } = mint(tokens);
    const forged = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A');
    expect(tokens.verify(forged, 'demo')).toMatchObject({ ok: false, reason: expect.stringContaining('not known') });
    tokens.revoke(session.id, 'it was revoked');
    expect(tokens.verify(forged, 'demo')).toMatchObject({ reason: expect.stringContaining('not known') });
    expect(tokens.verify(token, 'demo')).toMatchObject({
      ok: false,
      reason: expect.stringContaining('it was revoked'),
    });
  });

  it('is stored as hashes and keys, private, and works after a restart', () => {
    const { token, session } = mint(open());
    const stored = readFileSync(file, 'utf8');
    expect(stored).not.toContain(token.split('_')[2]);
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
    const again = open();
    expect(again.verify(token, 'demo')).toEqual({ ok: true, session });
    expect(again.scramCandidates('demo')).toHaveLength(1);
  });

  it('stays revoked after a crash right behind the revocation', () => {
    const tokens = open();
    const { token, session } = mint(tokens);
    expect(tokens.revoke(session.id, 'it was revoked')).toBe(true);
    expect(tokens.revoke(session.id, 'again')).toBe(false);
    expect(open().verify(token, 'demo').ok).toBe(false);
  });
});

describe('an agent session lives', () => {
  it('fifteen minutes beyond its last sign of life', () => {
    const tokens = open();
    const { token, session } = mint(tokens);
    time.sleep(14 * MINUTE);
    tokens.touch(session.id);
    time.sleep(14 * MINUTE);
    expect(tokens.verify(token, 'demo').ok).toBe(true);
    time.sleep(MINUTE);
    expect(tokens.verify(token, 'demo')).toMatchObject({ ok: false, reason: expect.stringContaining('expired') });
    tokens.touch(session.id);
    expect(tokens.verify(token, 'demo').ok).toBe(false);
    expect(tokens.scramCandidates('demo')).toEqual([]);
  });

  it('as long as a connection is open, and over a kill at that time', () => {
    const tokens = open();
    const { token, session } = mint(tokens);
    const close = tokens.onEnded(session.id, () => {});
    time.sleep(60 * MINUTE);
    sweep();
    expect(tokens.list()).toMatchObject([{ openConnections: 1, expiresAt: null }]);
    expect(open().verify(token, 'demo').ok).toBe(true);
    close();
    time.sleep(15 * MINUTE - 1);
    expect(tokens.verify(token, 'demo').ok).toBe(true);
    time.sleep(1);
    expect(tokens.verify(token, 'demo').ok).toBe(false);
  });

  it('no longer than its greatest age, whatever signs it gives', () => {
    const tokens = open({ maxAgeMs: 30 * MINUTE });
    const { session } = mint(tokens);
    const ends: string[] = [];
    tokens.onEnded(session.id, (reason) => ends.push(reason));
    time.sleep(30 * MINUTE - 1);
    tokens.touch(session.id);
    sweep();
    expect(ends).toEqual([]);
    time.sleep(1);
    sweep();
    expect(ends).toEqual(['its agent session expired']);
  });

  it('until it is revoked, which every open connection hears at once', async () => {
    const tokens = open();
    const { session } = mint(tokens);
    const other = mint(tokens, 'other');
    const ends: string[] = [];
    tokens.onEnded(session.id, (reason) => ends.push(`first: ${reason}`));
    tokens.onEnded(session.id, (reason) => ends.push(`second: ${reason}`));
    const closed = tokens.onEnded(session.id, () => ends.push('closed before'));
    closed();
    tokens.revokeConnection('demo', 'the connection was removed');
    expect(ends).toEqual(['first: the connection was removed', 'second: the connection was removed']);
    expect(tokens.verify(other.token, 'other').ok).toBe(true);
    // Who comes too late hears it too.
    tokens.onEnded(session.id, (reason) => ends.push(`late: ${reason}`));
    tokens.onEnded(session.id, () => ends.push('gone'))();
    await Promise.resolve();
    expect(ends.slice(2)).toEqual(['late: the connection was removed']);
  });
});

describe('SCRAM candidates', () => {
  it('are every live token of the connection, under one salt, with the keys of RFC 5802', () => {
    const tokens = open();
    const [first, second] = [mint(tokens), mint(tokens)];
    mint(tokens, 'other');
    const candidates = tokens.scramCandidates('demo');
    expect(candidates.map((candidate) => candidate.session.id)).toEqual([first.session.id, second.session.id]);
    const [{ salt, iterations, serverKey }] = candidates as [(typeof candidates)[number]];
    expect(candidates[1]!.salt).toEqual(salt);
    const salted = pbkdf2Sync(first.token, salt, iterations, 32, 'sha256');
    expect(createHmac('sha256', salted).update('Server Key').digest()).toEqual(serverKey);
    tokens.revoke(first.session.id, 'it was revoked');
    expect(tokens.scramCandidates('demo')).toHaveLength(1);
  });
});

describe('limits', () => {
  it('hold per connection and over all', () => {
    const tokens = open({ live: 3, livePerConnection: 2 });
    mint(tokens);
    mint(tokens);
    expect(() => mint(tokens)).toThrow(expect.objectContaining({ code: 'TOKENS_FULL' }));
    mint(tokens, 'other');
    expect(() => mint(tokens, 'third')).toThrow(expect.objectContaining({ code: 'TOKENS_FULL' }));
    time.sleep(15 * MINUTE);
    mint(tokens);
  });
});

it('lets nobody in by a damaged file, and puts it aside', () => {
  const { token } = mint(open());
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, -20));
  expect(open().verify(token, 'demo').ok).toBe(false);
  expect(problems).toHaveLength(1);
  expect(readFileSync(`${file}.broken`, 'utf8')).toContain('"version":1');
});

it('makes secrets of all 62 characters alike', () => {
  const used = new Set<string>();
  for (let i = 0; i < 400; i++) for (const character of newTokenSecret(randomBytes)) used.add(character);
  expect(used.size).toBe(62);
  // Bytes that would favour some characters are thrown away.
  const bytes = [new Uint8Array(64).fill(248), new Uint8Array(64).fill(247)];
  expect(newTokenSecret(() => bytes.shift()!)).toBe('z'.repeat(43));
});

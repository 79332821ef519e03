import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Connection } from '../contract/connection.ts';
import type { Effects } from '../contract/operation.ts';
import type { ActionInput, PolicyInput } from '../pipeline/ports.ts';
import { createPolicyEngine, shippedPolicy } from './index.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
const folder = () => {
  const dir = mkdtempSync(join(tmpdir(), 'policy-'));
  folders.push(dir);
  return dir;
};
const open = (dir: string, shipped = shippedPolicy()) => createPolicyEngine({ dir, shipped, now: () => 0 });

const connection = Connection.parse({ id: 'shop', kind: 'postgres', host: 'h', user: 'u', database: 'd' });
const effects = (changes: Partial<Effects> = {}): Effects => ({
  class: 'read',
  ops: ['SELECT'],
  flags: [],
  reads: [],
  writes: [],
  filtersOn: [],
  functions: [],
  words: ['Reads orders'],
  fingerprint: '0'.repeat(16),
  shape: '',
  ...changes,
});
const input = (changes: Partial<Effects> = {}, groups: string[] = []): PolicyInput => ({
  identity: { subject: 'ada', display: 'Ada', kind: 'local', verified: false, groups },
  agent: { pid: 1, name: 'psql', parents: [] },
  connection,
  database: 'd',
  role: 'u',
  effects: effects(changes),
});

const PERMIT = '@id("all") permit(principal, action == Action::"run", resource);\n';

/** An engine with that text in force. */
async function with_(text: string) {
  const engine = await open(folder());
  const { staged } = engine.stage(text);
  expect(staged?.errors).toEqual([]);
  engine.accept(staged!.hash);
  return engine;
}

test('a fresh folder has the shipped policy in force', async () => {
  const dir = folder();
  const engine = await open(dir);
  expect(engine.error).toBeNull();
  expect(engine.decide(input())).toMatchObject({ effect: 'allow', policyIds: ['reads'], policyHash: engine.hash });
  expect(engine.view()).toEqual({ hash: engine.hash, text: shippedPolicy(), staged: null });
  expect(readFileSync(join(dir, 'active.cedar'), 'utf8')).toBe(shippedPolicy());
});

test('staged is not in force; accepted is, and it stays so after a restart', async () => {
  const dir = folder();
  const engine = await open(dir);
  let changes = 0;
  engine.onChanged(() => {
    changes += 1;
  });
  const { staged } = engine.stage(PERMIT);
  expect(staged?.diff).toContain('+@id("all") permit');
  expect(engine.decide(input({ class: 'write' })).effect).toBe('ask');
  expect(() => engine.accept('0'.repeat(64))).toThrow(expect.objectContaining({ code: 'POLICY_CHANGED' }));
  engine.accept(staged!.hash);
  expect(engine.decide(input({ class: 'write' })).effect).toBe('allow');
  expect(changes).toBe(2);
  expect(engine.view().staged).toBeNull();
  expect(readdirSync(join(dir, 'history')).length).toBe(2);
  const again = await open(dir);
  expect(again.hash).toBe(staged!.hash);
  expect(() => again.accept(staged!.hash)).toThrow(expect.objectContaining({ code: 'POLICY_NOT_STAGED' }));
});

test('a verdict that was cached ends with its policy set', async () => {
  const engine = await open(folder());
  const request = input({ class: 'write' });
  expect(engine.decide(request)).toBe(engine.decide(request));
  const { staged } = engine.stage(PERMIT);
  engine.accept(staged!.hash);
  expect(engine.decide(request).effect).toBe('allow');
});

test('a staged text with errors says where, and cannot be accepted', async () => {
  const engine = await open(folder());
  const hash = engine.hash;
  const { staged } = engine.stage(
    `${PERMIT}@id("b")\nforbid(principal, action == Action::"run", resource)\nwhen { context.clas == "x" };`,
  );
  expect(staged?.errors).toEqual([expect.stringMatching(/^line 4, column 8: .*`clas`/)]);
  expect(() => engine.accept(staged!.hash)).toThrow(expect.objectContaining({ code: 'POLICY_INVALID' }));
  expect(engine.hash).toBe(hash);
  engine.discard();
  expect(engine.view().staged).toBeNull();
});

test('an edited file is staged, and what was accepted stays in force', async () => {
  const dir = folder();
  const { hash } = await open(dir);
  writeFileSync(join(dir, 'active.cedar'), PERMIT);
  const engine = await open(dir);
  expect(engine.hash).toBe(hash);
  expect(engine.error).toContain('changed outside of Countersign');
  expect(engine.view().staged?.text).toBe(PERMIT);
  expect(engine.decide(input({ class: 'write' })).effect).toBe('ask');
});

test('nothing usable: everything is denied with a sentence', async () => {
  const engine = await open(folder(), 'permit(');
  expect(engine.error).toMatch(/line 1, column 8/);
  expect(engine.decide(input())).toMatchObject({
    effect: 'deny',
    reason: expect.stringContaining('No policy can be read'),
  });
});

test('the strongest level, the shortest time, and a grant only where all allow it', async () => {
  const engine = await with_(`${PERMIT}
    @id("a") @require("click") @expires("900") @grantable("yes") forbid(principal, action, resource) when { context has class && context.class == "write" };
    @id("b") @require("pin") @expires("60") forbid(principal, action, resource) when { context has flags && context.flags.contains("ddl") };
    @id("c") @require("passkey") @reason("Only with a passkey.") forbid(principal, action, resource) when { context has flags && context.flags.contains("drop-database") };
    @id("d") @reason("Never here.") forbid(principal, action, resource) when { context has writeNames && context.writeNames.contains("salaries") };`);
  expect(engine.decide(input({ class: 'write' }))).toMatchObject({
    effect: 'ask',
    level: 'click',
    expiresSeconds: 900,
    grantable: true,
    policyIds: ['a'],
  });
  expect(engine.decide(input({ class: 'write', flags: ['ddl'] }))).toMatchObject({
    effect: 'ask',
    level: 'pin',
    expiresSeconds: 60,
    grantable: false,
  });
  expect(engine.decide(input({ flags: ['drop-database', 'ddl'] }))).toMatchObject({
    effect: 'ask',
    level: 'passkey',
    policyIds: expect.arrayContaining(['b', 'c']),
    reason: expect.stringContaining('Only with a passkey.'),
    grantable: false,
  });
  const write = { class: 'write', writes: [{ schema: null, name: 'salaries', columns: ['*'] }] } as const;
  expect(
    engine.decide(input({ ...write, writes: [...write.writes].map((one) => ({ ...one, columns: ['*'] })) })),
  ).toMatchObject({
    effect: 'deny',
    policyIds: ['d'],
    reason: 'Never here.',
  });
});

test('groups, tables and unqualified names reach policies', async () => {
  const engine = await with_(`
    @id("dba") permit(principal in Group::"dba", action == Action::"run", resource);
    @id("orders") permit(principal, action == Action::"run", resource == Connection::"shop")
    when { ["?.orders", "app.orders"].containsAny(context.reads) && context.environment == "production" };`);
  const reads = (schema: string | null, name: string) => ({ reads: [{ schema, name, columns: [] }] });
  expect(engine.decide(input(reads(null, 'orders'))).effect).toBe('allow');
  expect(engine.decide(input(reads('app', 'orders'))).effect).toBe('allow');
  expect(engine.decide(input(reads('hr', 'orders')))).toMatchObject({
    effect: 'deny',
    reason: 'No policy permits it.',
  });
  expect(engine.decide(input(reads('hr', 'orders'), ['dba'])).effect).toBe('allow');
});

test('a policy that cannot be evaluated denies instead of being passed over', async () => {
  const engine = await with_(
    `${PERMIT}@id("overflow") forbid(principal, action == Action::"run", resource) when { 9223372036854775807 + 1 > 0 };`,
  );
  expect(engine.decide(input())).toMatchObject({
    effect: 'deny',
    reason: expect.stringContaining('could not be evaluated'),
  });
});

test('hostile names and lone surrogates are only strings', async () => {
  const engine = await open(folder());
  const names = ['\ud800', '__entity', '"; permit(principal, action, resource); //', '\u0000'];
  const verdict = engine.decide(
    input({ class: 'write', reads: names.map((name) => ({ schema: name, name, columns: [] })), functions: names }),
  );
  expect(verdict.effect).toBe('ask');
});

test('who has to approve: every group that a policy names, as many as the one that wants most, somebody else if any says so', async () => {
  const engine = await with_(`${PERMIT}
    @id("a") @require("click") @approvers("dba") forbid(principal, action, resource) when { context has class && context.class == "write" };
    @id("b") @require("pin") @approvers("dba") @approvals("2") @notRequester("yes") forbid(principal, action, resource) when { context has flags && context.flags.contains("ddl") };
    @id("c") @require("click") @approvers("security team") forbid(principal, action, resource) when { context has flags && context.flags.contains("drop-database") };
    @id("d") @require("click") @notRequester("yes") forbid(principal, action, resource) when { context has flags && context.flags.contains("no-where") };`);
  const dba = (count: number) => ({ group: 'dba', count });
  expect(engine.decide(input({ class: 'write' })).approvers).toEqual({ needs: [dba(1)], notRequester: false });
  expect(engine.decide(input({ class: 'write', flags: ['ddl', 'drop-database', 'no-where'] }))).toMatchObject({
    level: 'pin',
    grantable: false,
    approvers: { needs: [dba(2), { group: 'security team', count: 1 }], notRequester: true },
  });
  expect(engine.decide(input({ flags: ['no-where'] })).approvers).toEqual({
    needs: [{ group: null, count: 1 }],
    notRequester: true,
  });
  expect(engine.decide(input()).approvers).toBeUndefined();
});

test.each([
  ['approvers on a permit', '@id("a") @approvers("dba") permit(principal, action, resource);', /@approvers belongs on/],
  ['approvers without a level', '@id("a") @approvals("2") forbid(principal, action, resource);', /@approvals belongs/],
  ['no group', '@id("a") @require("pin") @approvers("") forbid(principal, action, resource);', /name of a group/],
  ['no approvals', '@id("a") @require("pin") @approvals("0") forbid(principal, action, resource);', /from 1 to 9/],
  ['some approvals', '@id("a") @require("pin") @approvals("two") forbid(principal, action, resource);', /from 1 to 9/],
  ['another yes', '@id("a") @require("pin") @notRequester("true") forbid(principal, action, resource);', /yes or no/],
  [
    'a grant of what others approve',
    '@id("a") @require("click") @grantable("yes") @approvers("dba") forbid(principal, action, resource);',
    /exclude each other/,
  ],
  ['no id', 'permit(principal, action, resource);', /needs an @id/],
  [
    'an unknown annotation',
    '@id("a") @requires("pin") forbid(principal, action, resource);',
    /@requires is not an annotation/,
  ],
  ['an unknown level', '@id("a") @require("fax") forbid(principal, action, resource);', /@require takes/],
  ['require on a permit', '@id("a") @require("pin") permit(principal, action, resource);', /belongs on a forbid/],
  [
    'a time that is none',
    '@id("a") @require("pin") @expires("soon") forbid(principal, action, resource);',
    /@expires takes/,
  ],
  ['an id twice', `${PERMIT}@id("all") forbid(principal, action, resource);`, /there twice/],
  ['a template', '@id("a") permit(principal == ?principal, action, resource);', /templates/],
  ['nothing', '// nothing', /holds no policy/],
  [
    'deep nesting',
    `@id("a") permit(principal, action, resource) when { ${'('.repeat(200)}true${')'.repeat(200)} };`,
    /column 11\d: is nested too deeply/,
  ],
  [
    'many branches',
    `@id("a") permit(principal, action, resource) when { ${'if true then true else '.repeat(200)}true };`,
    /nested too deeply/,
  ],
  ['a lone surrogate', '@id("\ud800") permit(principal, action, resource);', /may hold letters/],
])('refuses %s', async (_, text, message) => {
  const engine = await open(folder());
  expect(engine.stage(text).staged?.errors.join('\n')).toMatch(message);
  expect(engine.decide(input()).effect).toBe('allow');
});

test('sensitive columns are seen plainly only where a policy permits it', async () => {
  const tag = {
    schema: 'public',
    table: 'customers',
    column: 'email',
    entity: 'EMAIL_ADDRESS',
    action: 'redact',
  } as const;
  const { identity } = input();
  const shipped = await open(folder());
  expect(shipped.canViewPlain(identity, connection, tag)).toBe(false);
  const engine = await with_(
    `${PERMIT}@id("support") permit(principal in Group::"support", action == Action::"viewPlain", resource == Column::"shop.public.customers.email");`,
  );
  expect(engine.canViewPlain(identity, connection, tag)).toBe(false);
  expect(engine.canViewPlain({ ...identity, groups: ['support'] }, connection, tag)).toBe(true);
  expect(engine.canViewPlain({ ...identity, groups: ['support'] }, connection, { ...tag, column: 'ssn' })).toBe(false);
});

test('every set that was in force is kept with its time, and says which one is in force', async () => {
  const dir = folder();
  const engine = await open(dir, PERMIT);
  const other = PERMIT.replace('all', 'everything');
  engine.accept(engine.stage(other).staged!.hash);
  const [latest, first] = engine.history();
  expect(latest).toEqual({
    number: 2,
    hash: engine.hash,
    acceptedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    inForce: true,
  });
  expect(first).toMatchObject({ number: 1, inForce: false });
  expect(engine.version(1)).toMatchObject({ number: 1, text: PERMIT });
  expect(engine.version(3)).toBeNull();
  // The same set again is another entry; one of them is in force.
  engine.accept(engine.stage(PERMIT).staged!.hash);
  expect(engine.history().map(({ number, inForce }) => [number, inForce])).toEqual([
    [3, true],
    [2, false],
    [1, false],
  ]);
});

const call = (tool: string, args: string[], more: Partial<ActionInput> = {}) =>
  ({
    identity: input().identity,
    effects: effects({ class: 'write', ops: [tool] }),
    secrets: [],
    action: 'callTool',
    agent: 'cursor',
    server: 'github',
    tool,
    arguments: args,
    readOnly: false,
    destructive: false,
    ...more,
  }) as ActionInput;
const CALLS = 'permit(principal, action == Action::"callTool", resource)';

test('what Cedar said of a call is kept without what no policy asks for, and only that', async () => {
  const blind = await with_(`@id("echo") ${CALLS} when { context.tool == "echo" };`);
  const effectOf = (engine: typeof blind, ...given: Parameters<typeof call>) =>
    engine.decideAction(call(...given)).effect;
  expect([effectOf(blind, 'echo', ['a=1']), effectOf(blind, 'echo', ['a=2']), effectOf(blind, 'rm', ['a=1'])]).toEqual([
    'allow',
    'allow',
    'deny',
  ]);
  expect(effectOf(blind, 'echo', ['a=1'], { server: 'other' })).toBe('allow');
  const { reason } = blind.decideAction(call('rm', ['a=1'], { effects: effects({ words: ['Other words'] }) }));
  expect(reason).not.toContain('Reads orders');
  for (const condition of [
    'context.arguments.contains("a=1")',
    'context["arguments"].contains("a=1")',
    'context["\\u{61}rguments"].contains("a=1")',
  ]) {
    const engine = await with_(`@id("one") ${CALLS} when { ${condition} };`);
    expect([
      condition,
      effectOf(engine, 'echo', ['a=1']),
      effectOf(engine, 'echo', ['a=2']),
      effectOf(engine, 'echo', ['a=1']),
    ]).toEqual([condition, 'allow', 'deny', 'allow']);
  }
});

test('what was kept of calls ends with the policy', async () => {
  const engine = await with_(`@id("all") ${CALLS};`);
  expect(engine.decideAction(call('echo', [])).effect).toBe('allow');
  const { staged } = engine.stage('@id("none") forbid(principal, action, resource);');
  engine.accept(staged!.hash);
  expect(engine.decideAction(call('echo', [])).effect).toBe('deny');
});
